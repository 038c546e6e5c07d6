"""Drift of labels between two data sets."""

from collections import Counter

from default_settings import params_with
from hypothesis import given
from hypothesis import strategies as st

from videmo.data import drift as drift_stage
from videmo.data.drift import compare, drift_of
from videmo.settings.sections import StageSettings

COUNTS = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 200), min_size=1).map(Counter)


@given(COUNTS)
def test_a_data_set_has_not_moved_from_itself(counts):
    drift = drift_of("part", counts, counts)
    assert drift.index == 0
    assert not drift.moved


@given(COUNTS, COUNTS)
def test_the_index_is_the_same_in_both_directions_and_never_negative(old, new):
    there, back = drift_of("part", old, new), drift_of("part", new, old)
    assert there.index >= 0
    assert abs(there.index - back.index) < 1e-9


def test_labels_that_have_shifted_are_said_to_have_moved():
    assert drift_of("part", Counter(happy=90, sad=10), Counter(happy=40, sad=60)).moved


def test_a_difference_among_few_answers_is_taken_for_chance():
    assert not drift_of("part", Counter(happy=3, sad=2), Counter(happy=2, sad=3)).moved


def test_two_outputs_of_data_build_are_compared_question_set_by_question_set(built_data):
    found = compare(built_data, built_data)
    assert found
    assert not any(drift.moved for drift in found)


def test_the_stage_says_that_the_first_data_set_has_moved(built_data, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    settings = StageSettings.of(params_with(), "drift")
    report = drift_stage.run(settings, {"data_build": built_data}, tmp_path / "runs" / "a" / "outputs" / "drift")
    assert report.metrics == {"moved": 1}
