"""The catalogue against the published facts of Emo-CFG and face-15."""

from __future__ import annotations

from collections import Counter

import pytest

from videmo.drawn.action_units import UNITS
from videmo.tasks.catalog import ACTION_UNITS, COLUMNS, PAPER_COLUMNS, PARTS, TASKS
from videmo.tasks.questions import answer_space, ask, has_one_answer, is_open
from videmo.tree.vocabulary import ASPECTS

ANSWERS = {
    "appearance": 40, "action": 35, "identity": 2, "head_pose": 7, "emotion_dfew": 7, "emotion_mafw": 11,
    "emotion_multi": 11, "emotion_mead": 22, "emotion_ravdess": 22, "sentiment": 3, "sentiment_fine": 7,
    "micro_expression": 5, "action_units": 12, "conversation": 5,
}  # fmt: skip


def test_the_paper_has_33_columns_in_15_tasks_and_three_tables():
    assert len(PAPER_COLUMNS) == 33
    assert len(TASKS) == 15
    assert Counter(column.table for column in COLUMNS.values()) == {
        "attribute": 18, "expression": 9, "understanding": 6,
    }  # fmt: skip
    assert Counter(task.table for task in TASKS.values()) == {"attribute": 5, "expression": 4, "understanding": 6}


def test_every_column_belongs_to_exactly_one_task():
    assert sorted(name for task in TASKS.values() for name in task.columns) == sorted(COLUMNS)


def test_the_test_sizes_sum_to_the_published_total():
    published = {part for column in PAPER_COLUMNS for part in COLUMNS[column].parts}
    assert sum(PARTS[part].size for part in published) == 11_933


def test_every_part_is_used_once_and_the_understanding_parts_once_by_each_measure():
    uses = Counter(name for column in COLUMNS.values() for name in column.parts)
    assert set(uses) == set(PARTS)
    assert {name: count for name, count in uses.items() if count != 1} == {"fine_caption": 6, "rationale": 6}


def test_no_two_questions_are_the_same():
    questions = [
        ask(part, aspect) for part in PARTS.values() for aspect in (part.aspects if is_open(part) else (None,))
    ]
    assert len(questions) == len(set(questions))
    assert not [question for question in questions if "{" in question]


@pytest.mark.parametrize(("part", "size"), ANSWERS.items())
def test_an_answer_space_has_the_published_size_and_no_doubles(part, size):
    assert len(answer_space(PARTS[part])) == len(set(answer_space(PARTS[part]))) == size


def test_the_action_units_are_among_those_that_faces_are_drawn_with():
    drawn = {f"AU{unit}" for unit in UNITS}
    assert set(ACTION_UNITS) <= drawn


def test_the_aspects_of_parts_and_of_the_tree_are_known():
    assert {aspect for part in PARTS.values() for aspect in part.aspects} <= set(ASPECTS)
    assert {aspect.rests_on for aspect in ASPECTS.values()} - {None} <= set(ASPECTS)


def test_a_judge_scores_exactly_the_parts_that_are_answered_by_a_tree():
    judged = {part for column in COLUMNS.values() if column.metric == "judge" for part in column.parts}
    assert judged == {name for name, part in PARTS.items() if not part.answers and not is_open(part)}


def test_f1_columns_allow_several_answers():
    for column in COLUMNS.values():
        if column.metric == "f1":
            assert all(PARTS[part].many for part in column.parts)


def test_open_questions_ask_for_every_attribute_once_but_those_that_have_questions_of_their_own():
    asked = Counter(aspect for part in PARTS.values() if is_open(part) for aspect in part.aspects)
    attributes = {aspect.name for aspect in ASPECTS.values() if aspect.level == "attribute"}
    assert asked == Counter(attributes - {"head pose", "people"})


def test_an_open_question_takes_several_answers_where_its_aspects_do():
    for part in filter(is_open, PARTS.values()):
        assert {ASPECTS[aspect].many for aspect in part.aspects} == {part.many}


def test_every_part_is_of_a_corpus():
    assert [part.name for part in PARTS.values() if not part.corpus] == []


def test_only_the_full_captions_are_about_every_aspect():
    captions = {name: part for name, part in PARTS.items() if not part.answers and not is_open(part)}
    assert {name for name, part in captions.items() if not part.aspects} == {"fine_caption", "rationale"}
    assert {ASPECTS[aspect].level for aspect in captions["action_caption"].aspects} == {"attribute"}
    assert {ASPECTS[aspect].level for aspect in captions["emotion_caption"].aspects} == {"expression", "emotion"}


@pytest.mark.parametrize(
    ("part", "one"),
    [("identity", True), ("eyes", True), ("appearance", False), ("accessories", False), ("fine_caption", False)],
)
def test_a_question_has_one_answer_where_its_answers_exclude_each_other(part, one):
    assert has_one_answer(PARTS[part]) == one
