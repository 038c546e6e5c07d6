from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videmo.tasks.catalog import PARTS, Part
from videmo.tasks.questions import answer_space, ask, aspect_of, is_open, read_answer, write_answer

ASKED = [(part, aspect) for part in PARTS.values() for aspect in (part.aspects if is_open(part) else (None,))]
CLOSED = [(part, aspect) for part, aspect in ASKED if answer_space(part, aspect)]


@st.composite
def chosen_answers(draw):
    part, aspect = draw(st.sampled_from(CLOSED))
    space = answer_space(part, aspect)
    chosen = draw(st.sets(st.sampled_from(space)) if part.many else st.sampled_from(space).map(lambda one: {one}))
    return part, aspect, chosen


@given(chosen_answers())
def test_a_written_answer_reads_back_as_the_answers_that_were_chosen(case):
    part, aspect, chosen = case
    ordered = tuple(answer for answer in answer_space(part, aspect) if answer in chosen)
    assert read_answer(write_answer(chosen, part, aspect), part, aspect) == ordered


@given(chosen_answers())
def test_case_and_words_around_an_answer_do_not_matter(case):
    part, aspect, chosen = case
    written = write_answer(chosen, part, aspect)
    if chosen:
        loud = f"**Answer**: I see {written.upper().replace('-', ' ')}!!\n"
        assert read_answer(loud, part, aspect) == read_answer(written, part, aspect)


@given(st.text(), st.sampled_from(CLOSED))
def test_reading_never_raises_and_stays_in_the_answer_space(text, asked):
    answers = read_answer(text, *asked)
    assert answers is None or set(answers) <= set(answer_space(*asked))


@pytest.mark.parametrize(("part", "aspect"), ASKED)
def test_the_aspect_is_recovered_from_the_question(part, aspect):
    assert aspect_of(part, ask(part, aspect)) == aspect
    assert aspect_of(part, "<video>" + ask(part, aspect)) == aspect


@pytest.mark.parametrize(
    ("text", "part", "answers"),
    [
        ("strongly negative", "sentiment_fine", ("strongly negative",)),
        ("weak happy.", "emotion_mead", ("weak happy",)),
        ("AU12, au 4", "action_units", ("AU4", "AU12")),
        ("They are: No beard; 5 O’CLOCK shadow", "appearance", ("no beard", "5 o'clock shadow")),
        ("Left-30", "head_pose", ("left 30",)),
        ("happy or sad", "emotion_dfew", ("happy", "sad")),
        ("None of these.", "action", ()),
        ("None, not even a hat", "appearance", ()),
        ("there is none", "action", ()),
        ("unhappy", "emotion_dfew", None),
        ("", "action", None),
        ("I cannot tell", "head_pose", None),
    ],
)
def test_what_a_model_may_say_is_read_as_meant(text, part, answers):
    assert read_answer(text, PARTS[part]) == answers


def test_an_answer_that_begins_another_is_not_read_in_its_place():
    part = Part("x", "attribute", "Which?", ("long", "long hair"))
    assert read_answer("long hair", part) == ("long hair",)


def test_several_answers_stand_in_the_order_of_the_answer_space():
    assert write_answer({"hat", "earrings"}, PARTS["appearance"]) == "earrings, hat"
    assert write_answer((), PARTS["action_units"]) == "none"


def test_an_answer_outside_the_space_is_refused():
    with pytest.raises(ValueError, match="no such answer: merry"):
        write_answer(["merry"], PARTS["emotion_dfew"])


@pytest.mark.parametrize("chosen", [(), ("happy", "sad")])
def test_a_single_choice_wants_exactly_one_answer(chosen):
    with pytest.raises(ValueError, match="one answer"):
        write_answer(chosen, PARTS["emotion_dfew"])


def test_an_open_part_with_several_aspects_wants_to_know_which():
    with pytest.raises(ValueError, match="choose one of eye colour, eye size"):
        ask(PARTS["eyes"])
    with pytest.raises(ValueError, match="choose one of"):
        ask(PARTS["eyes"], "hair colour")
    with pytest.raises(ValueError, match="asks for none of its aspects"):
        aspect_of(PARTS["eyes"], "What time is it?")
