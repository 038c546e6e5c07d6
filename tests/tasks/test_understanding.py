from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sentences import render_sentences

from videmo.tasks.catalog import COLUMNS, PARTS
from videmo.tasks.questions import ask
from videmo.tasks.scoring import is_readable, score_answer
from videmo.tasks.understanding import caption_score, understanding_scores
from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.text import render
from videmo.tree.vocabulary import ASPECTS

REFERENCE = AffectiveTree(
    attribute=(Pair("age", "young"), Pair("gender", "male"), Pair("lip thickness", "thin")),
    expression=(Pair("brows", "lowered"), Pair("mouth corners", "lowered")),
    emotion=(Pair("emotion", "anger"), Pair("sentiment", "negative")),
)
RIGHT = render(REFERENCE)
EVERYTHING = render(
    AffectiveTree(
        **{
            level: tuple(Pair(a.name, item) for a in ASPECTS.values() if a.level == level for item in a.items)
            for level in LEVELS
        }
    )
)
PIECES = [*"ab:;,. \n", "age: young", *(f"<{level}>" for level in LEVELS), *(f"</{level}>" for level in LEVELS)]
SIX = [name for name, column in COLUMNS.items() if column.table == "understanding"]


@pytest.mark.parametrize("text", [RIGHT, render_sentences(REFERENCE)])
def test_the_right_answer_scores_100_six_times_in_either_form(text):
    assert understanding_scores(text, REFERENCE) == dict.fromkeys(SIX, 100.0)
    assert caption_score(text, REFERENCE) == 100


@pytest.mark.parametrize("text", ["", "It is a man.", "<attribute>", "<attribute></attribute>" * 3, "anger"])
def test_an_answer_that_states_nothing_scores_nothing(text):
    scores = understanding_scores(text, REFERENCE)
    assert {name: score for name, score in scores.items() if name != "video_text_relevance"} == dict.fromkeys(
        [name for name in SIX if name != "video_text_relevance"], 0.0
    )
    assert scores["video_text_relevance"] < 37
    assert caption_score(text, REFERENCE) == 0


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@settings(max_examples=200)
def test_the_scores_of_any_text_lie_in_0_to_100(text):
    scores = [*understanding_scores(text, REFERENCE).values(), caption_score(text, REFERENCE)]
    assert all(0 <= score <= 100 for score in scores)


def test_only_a_readable_answer_is_relevant():
    assert understanding_scores("It is a man.", REFERENCE)["video_text_relevance"] == 0
    assert 0 < understanding_scores(render(AffectiveTree()), REFERENCE)["video_text_relevance"] < 37


def test_a_wrong_emotion_costs_label_overlap_and_leaves_the_clues():
    scores = understanding_scores(RIGHT.replace("anger", "fear"), REFERENCE)
    assert scores["label_overlap"] == 50
    assert scores["clue_overlap"] == scores["instruction_adherence"] == scores["fluency"] == 100


@pytest.mark.parametrize(("right", "wrong"), [("age: young", "age: elderly"), ("brows: lowered", "brows: raised")])
def test_a_wrong_clue_of_either_level_costs_clue_overlap_the_same(right, wrong):
    scores = understanding_scores(RIGHT.replace(right, wrong), REFERENCE)
    assert scores["clue_overlap"] == pytest.approx(80)  # four of the five clues
    assert scores["label_overlap"] == 100


def test_a_missing_segment_costs_a_third_of_adherence():
    scores = understanding_scores(render(REFERENCE, ("attribute", "expression")), REFERENCE)
    assert scores["instruction_adherence"] == pytest.approx(200 / 3)
    assert scores["response_accuracy"] == 100
    assert scores["label_overlap"] == 0


def test_segments_out_of_order_halve_adherence():
    text = "".join(render(REFERENCE, (level,)) for level in reversed(LEVELS))
    assert understanding_scores(text, REFERENCE)["instruction_adherence"] < 50


def test_adherence_is_the_share_of_what_was_stated_without_a_fault():
    # Seven different pairs, one of them three times, and one that is none: nine stated, one fault.
    text = RIGHT.replace("age: young", "age: young; age: young; age: young; purple")
    assert understanding_scores(text, REFERENCE)["instruction_adherence"] == pytest.approx(100 * 9 / 10)


def test_saying_a_thing_twice_costs_fluency():
    text = RIGHT.replace("age: young", "age: young; age: young")
    assert understanding_scores(text, REFERENCE)["fluency"] == pytest.approx(100 * 7 / 8)


def test_an_unclosed_segment_costs_fluency_and_its_content():
    scores = understanding_scores(RIGHT.removesuffix("</emotion>"), REFERENCE)
    assert scores["fluency"] < 70
    assert scores["label_overlap"] == 0


def test_listing_everything_scores_below_the_right_answer_on_every_content_measure():
    scores = understanding_scores(EVERYTHING, REFERENCE)
    for name in ("label_overlap", "clue_overlap", "response_accuracy", "video_text_relevance"):
        assert scores[name] < 25


def test_an_empty_level_that_was_not_answered_is_no_hit():
    bare = AffectiveTree(attribute=(Pair("age", "young"),))
    assert understanding_scores("nothing to see", bare)["label_overlap"] == 0


@pytest.mark.parametrize(
    ("part", "aspect", "answer", "reference", "scores"),
    [
        ("head_pose", None, "The head points left 30.", "left 30", {"head_pose": 100}),
        ("head_pose", None, "left 60", "left 30", {"head_pose": 0}),
        ("appearance", None, "hat", "earrings, hat", {"appearance_recognition": pytest.approx(200 / 3)}),
        ("action", None, "none", "none", {"action_recognition": 100}),
        ("skin", "skin texture", "Smooth.", "smooth", {"open_skin": 100}),
        ("accessories", None, "none", "hat", {"open_accessory": 0}),
        ("action_caption", None, render(REFERENCE, ("attribute",)), render(REFERENCE, ("attribute",)),
         {"action_caption": 100}),
        ("rationale", None, RIGHT, RIGHT, dict.fromkeys(SIX, 100)),
    ],
)  # fmt: skip
def test_an_answer_is_scored_in_its_columns_by_their_metric(part, aspect, answer, reference, scores):
    assert score_answer(part, ask(PARTS[part], aspect), answer, reference) == scores


def test_an_unreadable_reference_is_a_fault_of_the_data():
    with pytest.raises(ValueError, match="names none of its answers"):
        score_answer("head_pose", "What is the head pose?", "front", "backwards")
    with pytest.raises(ValueError, match="is not a tree"):
        score_answer("rationale", "What is the emotion, and why?", RIGHT, "angry because angry")
    with pytest.raises(ValueError, match="no such part"):
        score_answer("hands", "?", "", "")


def test_an_answer_of_a_million_characters_is_scored_in_a_moment():
    assert understanding_scores("<attribute>" + "age: young; " * 80_000, REFERENCE)["fluency"] == 0


@pytest.mark.parametrize(
    ("part", "answer", "readable"),
    [
        ("head_pose", "left 30", True),
        ("head_pose", "backwards", False),
        ("appearance", "none", True),
        ("rationale", "<emotion></emotion>", True),
        ("rationale", "anger, because of the brows", False),
    ],
)
def test_an_answer_is_readable_where_it_names_an_answer_or_has_a_level(part, answer, readable):
    assert is_readable(part, ask(PARTS[part]), answer) == readable
