import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from videmo.evaluation.choices import (
    UNREAD,
    Choice,
    calibration,
    calibration_error,
    confusions,
    read_choices,
    surest,
    taken_for,
)
from videmo.evaluation.predictions import Prediction
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask

EMOTIONS = PARTS["emotion_dfew"].answers
CERTAINTIES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def answered(reference, response, part="emotion_dfew", aspect=None, number=0, logprobs=()):
    question = ask(PARTS[part], aspect)
    return Prediction(
        f"s{number:03}", part, f"c{number}", f"p{number % 9}", question, reference, response, logprobs=logprobs
    )


def certain(certainties):
    return [Choice(answered("sad", "sad"), None, "sad", "sad" if right else "fear", p) for p, right in certainties]


@pytest.mark.parametrize("response", ["", "happy, sad", "none", "<script>", "x" * 100_000, "cheerful"])
def test_an_answer_that_names_no_one_choice_is_unread(response):
    (choice,) = read_choices([answered("happy", response)])
    assert choice.chosen == UNREAD
    assert not choice.right


def test_only_questions_with_one_right_answer_are_choices():
    trees_and_lists = [
        answered("none", "none", "accessories", "accessory", 1),
        answered("none", "none", "action", number=2),
        answered("", "", "fine_caption", number=3),
    ]
    assert read_choices([*trees_and_lists, answered("sad", "Sad.", number=4)])[0].right
    assert not read_choices(trees_and_lists)


def test_a_reference_that_is_no_choice_measures_nothing():
    assert not read_choices([answered("x", "sad")])


@given(st.lists(st.tuples(st.sampled_from(EMOTIONS), st.sampled_from([*EMOTIONS, "both"])), min_size=1))
def test_what_is_taken_for_what_is_counted_as_by_scikit_learn(pairs):
    labels = [*EMOTIONS, UNREAD]
    choices = read_choices(answered(reference, response) for reference, response in pairs)
    expected = confusion_matrix([c.reference for c in choices], [c.chosen for c in choices], labels=labels)
    assert taken_for(choices, labels).tolist() == expected.tolist()


def test_an_open_part_is_confused_aspect_by_aspect():
    answers = [answered("long", "long", "hair", "hair length"), answered("red", "black", "hair", "hair colour", 1)]
    found = [(c.name, c.samples, c.war.value) for c in confusions(read_choices(answers), 50, 0)]
    assert found == [("hair colour", 1, 0), ("hair length", 1, 100)]


@given(st.lists(st.tuples(st.sampled_from(EMOTIONS), st.sampled_from([*EMOTIONS, "mumble"])), min_size=1, max_size=40))
def test_every_answer_stands_in_one_cell_and_the_diagonal_is_what_was_right(pairs):
    answers = [answered(*pair, number=number) for number, pair in enumerate(pairs)]
    (confusion,) = confusions(read_choices(answers), 20, 0)
    assert confusion.samples == len(pairs)
    assert confusion.war.value == pytest.approx(100 * np.trace(confusion.counts) / len(pairs))
    assert confusion.counts[:, -1].sum() == sum(said == "mumble" for _, said in pairs)
    assert not confusion.counts[-1].any()
    assert not confusion.war.known or 0 <= confusion.war.low <= confusion.war.high <= 100


def test_always_saying_the_commonest_label_has_its_war_and_a_poor_uar():
    answers = [answered("sad" if number % 4 else "fear", "sad", number=number) for number in range(40)]
    (confusion,) = confusions(read_choices(answers), 200, 0)
    assert confusion.war.value == confusion.commonest == 75
    assert confusion.uar.value == 50
    assert confusion.war.low < 75 < confusion.war.high


def test_answers_about_few_people_have_no_narrow_interval():
    (confusion,) = confusions(read_choices([answered("sad", "sad", number=number) for number in range(3)]), 200, 0)
    assert confusion.war.as_list() == [100, None, None]


def test_the_confidence_of_an_answer_is_the_probability_of_all_its_tokens():
    tokens = (("sa", math.log(0.5)), ("d", math.log(0.8)))
    known, unknown, broken = read_choices(
        [
            answered("sad", "sad", logprobs=tokens),
            answered("sad", "sad", number=1),
            answered("sad", "sad", number=2, logprobs=(("s", math.nan),)),
        ]
    )
    assert known.confidence == pytest.approx(0.4)
    assert unknown.confidence is broken.confidence is None
    assert [found.count for found in calibration((known, unknown, broken))] == [1]


@given(CERTAINTIES)
def test_the_groups_are_those_of_scikit_learn(certainties):
    confidence, right = zip(*certainties, strict=True)
    bins = calibration(certain(certainties), bins=5)
    accuracy, mean = calibration_curve(right, confidence, n_bins=5, strategy="quantile", pos_label=True)
    assert [found.accuracy for found in bins] == pytest.approx(list(accuracy))
    assert [found.confidence for found in bins] == pytest.approx(list(mean))
    assert sum(found.count for found in bins) == len(certainties)


@given(CERTAINTIES)
def test_the_calibration_error_is_between_the_distance_of_the_means_and_one(certainties):
    confidence, right = map(np.mean, zip(*certainties, strict=True))
    error = calibration_error(calibration(certain(certainties)))
    assert abs(confidence - right) - 1e-9 <= error <= 1 + 1e-9


def test_who_is_right_nine_times_of_ten_with_a_confidence_of_nine_tenths_makes_no_calibration_error():
    assert calibration_error(calibration(certain([(0.9, number > 0) for number in range(10)]))) == pytest.approx(0)


def test_the_surest_mistakes_are_each_a_choice_of_something_else():
    sure = (("s", -0.01),)
    mistakes = [answered("sad", "fear", number=number, logprobs=sure) for number in range(3)]
    elsewhere = answered("yes", "no", "identity", number=4, logprobs=(("n", -1.0),))
    right = answered("sad", "sad", "emotion_mer", number=5, logprobs=sure)
    choices = read_choices([*mistakes, elsewhere, right])
    assert [choice.prediction for choice in surest(choices, right=False, count=5)] == [mistakes[0], elsewhere]
    assert [choice.prediction for choice in surest(choices, right=True, count=5)] == [right]
