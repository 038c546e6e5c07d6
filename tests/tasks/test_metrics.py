from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.tasks.catalog import COLUMNS, TASKS
from videmo.tasks.metrics import (
    accuracy,
    columns_of,
    f1,
    paper_aggregates,
    paper_averages,
    read_judge_scores,
    recalls,
    task_scores,
    truncate,
)

PAPER = Path(__file__).parents[3] / "shared" / "paper"
# The columns of the paper's two tables as they stand there, averages in capitals.
TABLE_1 = ["appearance_recognition", "appearance_caption", "action_recognition", "action_caption", "identity",
           "head_pose", "CLOSED_ATTRIBUTE", "open_eye", "open_mouth", "open_nose", "open_hair", "open_chin",
           "open_shape", "open_feature", "open_accessory", "open_age", "open_gender", "open_skin", "open_action",
           "OPEN_ATTRIBUTE"]  # fmt: skip
TABLE_2 = ["emotion_single", "emotion_multi", "emotion_fine", "EMOTION", "sentiment_single", "sentiment_fine",
           "SENTIMENT", "micro_expression", "action_units", "AFFECTIVE_CUES", "emotion_caption", "conversation",
           "COMPLEX_SCENARIO", "label_overlap", "clue_overlap", "instruction_adherence", "response_accuracy",
           "video_text_relevance", "fluency", "UNDERSTANDING"]  # fmt: skip

answers = st.sets(st.sampled_from("abcdef"))


@given(answers, answers)
def test_f1_is_symmetric_and_100_only_for_the_same_answers(chosen, reference):
    assert f1(chosen, reference) == f1(reference, chosen)
    assert (f1(chosen, reference) == 100) == (chosen == reference)


def test_f1_counts_none_as_the_empty_set():
    assert f1((), ()) == 100
    assert f1((), {"a"}) == f1({"a"}, ()) == 0
    assert f1({"a", "b"}, {"a", "c", "d"}) == pytest.approx(40)


def test_an_unreadable_answer_scores_nothing_even_where_nothing_is_right():
    assert f1(None, ()) == accuracy(None, ()) == 0


def test_two_answers_to_a_single_choice_are_wrong():
    assert accuracy({"a", "b"}, {"a"}) == 0
    assert accuracy(["a"], {"a"}) == 100


@pytest.mark.parametrize(
    ("reply", "scores"),
    [
        ("[10, 20, 30, 40, 50, 100]", (10, 20, 30, 40, 50, 100)),
        ("label: 1 clue: 2 a: 3 b: 4 c: 5 d: 6", (1, 2, 3, 4, 5, 6)),
        ("10 20 30 40 50", None),
        ("10 20 30 40 50 60 70", None),
        ("10 20 30 40 50 101", None),
        ("10 20 30 40 50 60 7000", None),
        ("", None),
    ],
)
def test_six_judge_scores_count_or_none(reply, scores):
    assert read_judge_scores(reply) == scores


def test_an_understanding_answer_counts_in_six_columns_and_any_other_in_one():
    assert [column.table for column in columns_of("rationale")] == ["understanding"] * 6
    assert [column.name for column in columns_of("eyebrows")] == ["open_eye"]


def test_all_columns_alike_make_every_mean_alike():
    columns = dict.fromkeys(COLUMNS, 40.0)
    assert set(task_scores(columns)) == set(TASKS)
    assert set(paper_aggregates(columns).values()) == {40.0}


def test_the_paper_s_averages_are_of_the_columns_to_their_left():
    values = {name: float(place) for place, name in enumerate([*TABLE_1, *TABLE_2])}
    averages = paper_averages({name: value for name, value in values.items() if name in COLUMNS})
    expected, left = {}, []
    for name, value in values.items():
        if name.islower():
            left.append(value)
        else:
            expected[name.lower()], left = sum(left) / len(left), []
    assert averages == pytest.approx(expected)


def test_figures_are_truncated_not_rounded():
    assert [truncate(score) for score in (62.49, 62.4, 0.0, 99.99, 62.4 - 1e-9)] == [62.4, 62.4, 0, 99.9, 62.4]


def test_uar_weighs_labels_and_war_weighs_samples():
    chosen, reference = ["a", "a", "a", None], ["a", "a", "a", "b"]
    assert recalls(chosen, reference) == {"uar": 50, "war": 75}
    with pytest.raises(ValueError, match="one for each"):
        recalls(["a"], ["a", "b"])


def published() -> dict[str, dict[str, float]]:
    if not PAPER.is_dir():
        pytest.skip("the paper's tables are not at hand")
    rows: dict[str, dict[str, float]] = {}
    for name, header in (("table1_attributes.csv", TABLE_1), ("table2_expression_emotion.csv", TABLE_2)):
        with (PAPER / name).open(encoding="utf-8") as file:
            for index, (model, size, *figures) in enumerate(list(csv.reader(file))[1:]):
                # The tables name Claude differently; by place they are the same rows.
                row = rows.setdefault(f"{index} {'Claude' if 'Claude' in model else model} {size}", {})
                row.update(zip(header, map(float, figures), strict=True))
    return rows


def measured(row: dict[str, float]) -> dict[str, float]:
    return {name: figure for name, figure in row.items() if name in COLUMNS}


def test_the_averages_of_every_published_row_come_out_of_its_columns():
    wrong = {
        (model, name)
        for model, row in published().items()
        for name, average in paper_averages(measured(row)).items()
        if abs(average - row[name.upper()]) > 0.1 + 1e-9
    }
    # The six columns of this row average 69.98, as its mean over 40 columns confirms, where the table prints 69.2.
    assert wrong == {("19 VidEmo-Base 7B", "closed_attribute")}


@pytest.mark.parametrize(
    ("model", "figures"),
    [
        ("10 VidEmo-Base 3B", {"mean40": 62.4}),
        ("9 Qwen2.5-VL 3B", {"mean40": 46.1}),
        ("18 Qwen2.5-VL 7B", {"att": 63.5, "exp": 27.3, "emo": 63.6, "avg": 51.4, "mean40": 51.7}),
        ("19 VidEmo-Base 7B", {"att": 79.5, "exp": 38.7, "emo": 67.5, "avg": 61.9, "mean40": 64.1}),
        ("20 VidEmo-T1 7B", {"att": 81.3, "exp": 40.1, "emo": 69.3, "avg": 63.6}),
    ],
)
def test_the_headline_figures_of_the_paper_come_out_of_its_columns(model, figures):
    aggregates = paper_aggregates(measured(published()[model]))
    assert {name: aggregates[name] for name in figures} == pytest.approx(figures, abs=0.1)


def test_the_aggregates_need_every_column():
    with pytest.raises(KeyError):
        paper_aggregates({"head_pose": 1.0})
