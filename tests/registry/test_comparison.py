"""Registered versions side by side."""

import pytest
from evaluated_models import PARAMS, lose_answers, promoted, samples

from videmo.registry.comparison import compare, registered_figures
from videmo.registry.gate import Verdict
from videmo.registry.gate_stage import decide, register
from videmo.registry.tracking import connect


def test_versions_are_compared_on_what_both_answered_and_on_nothing_else(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    inputs = evaluated("c", 0.8, data="d2")
    register(PARAMS, inputs, Verdict(False, "not judged", ""), "c")
    client = connect()
    a, b, c = (client.get_model_version("videmo", number) for number in "123")
    found = compare(client, a, b, PARAMS)
    assert found.samples == len(samples(f"c{person}" for person in range(6)))
    assert found.gains.mean15.low > 10
    assert found.as_dict()["versions"]["2"]["mean15"][0] == pytest.approx(found.figures[1].mean15.value)
    with pytest.raises(ValueError, match="no test set in common"):
        compare(client, b, c, PARAMS)


def test_the_report_gets_the_champion_and_others_that_answered_the_same_questions(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    promoted(evaluated("worse", 0.1), tmp_path, "worse")
    inputs = evaluated("c", 0.8)
    register(PARAMS, inputs, decide(PARAMS, inputs), "c")
    shown = registered_figures(PARAMS, inputs)
    assert shown["judge"] == "rules"
    assert list(shown["models"]) == ["champion, version 2", "version 3", "version 1"]
    figures = shown["models"]["champion, version 2"]
    assert set(figures) == {"column", "task", "table", "mean15"}
    assert figures["mean15"][0] > 80


def test_the_model_of_the_run_is_left_out_of_the_registered_ones_even_as_champion(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    inputs = evaluated("b", 0.9)
    promoted(inputs, tmp_path, "b")
    assert list(registered_figures(PARAMS, inputs)["models"]) == ["version 1"]


def test_a_version_whose_answers_are_lost_is_left_out_of_the_report_and_compared_with_nothing(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    promoted(evaluated("c", 0.1), tmp_path, "c")
    client = connect()
    a, b, c = (client.get_model_version("videmo", number) for number in "123")
    lose_answers(client, a)
    lose_answers(client, b)
    assert list(registered_figures(PARAMS, evaluated("d", 0.8))["models"]) == ["version 3"]
    with pytest.raises(ValueError, match="no test set in common"):
        compare(client, b, c, PARAMS)
