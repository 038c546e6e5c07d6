"""The gate and the promotion as steps of a run: neither is ever taken from the store."""

import json

import pytest
from evaluated_models import PARAMS, challenger, champion, manifests, promoted

from videmo.orchestration.outcome import open_run, run_gate
from videmo.orchestration.step import Run, run_step
from videmo.registry.by_hand import promote_version
from videmo.registry.champion import read_history
from videmo.registry.tracking import connect

SETTINGS = PARAMS.model_dump(mode="json")


@pytest.fixture
def step(tmp_path):
    """The promotion as a step of a run of its own, on what a model has answered."""

    def run(inputs, name):
        report = run_step("promotion", SETTINGS, {"name": name}, manifests(inputs, tmp_path))
        (record,) = (one for one in Run(name).steps() if one.stage == "promotion")
        return report.metrics["promoted"], record.cached

    return run


def test_the_gate_step_leaves_the_verdict_in_the_runs_folder(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    given = manifests(evaluated("b", 0.9), tmp_path)
    assert run_gate(SETTINGS, {"name": "monday"}, given)
    folder = tmp_path / "runs" / "monday"
    assert json.loads((folder / "verdict.json").read_text())["opponent"] == "champion, version 1"
    assert (champion(), challenger()) == ("1", "2")
    open_run(Run("monday"), PARAMS)
    assert not (folder / "verdict.json").exists()


def test_a_model_that_was_refused_is_judged_again_once_another_is_champion(evaluated, step):
    step(evaluated("good", 0.9), "monday")
    assert step(evaluated("fair", 0.6), "tuesday") == (0.0, False)
    step(evaluated("poor", 0.3), "wednesday")
    client = connect()
    promote_version(
        client, read_history(client, "videmo"), client.get_model_version("videmo", "3"), "a demo", force=True
    )
    assert step(evaluated("fair", 0.6), "thursday") == (1.0, False)
    assert champion() == "2"


def test_a_promotion_that_counts_is_not_made_twice(evaluated, step):
    assert step(evaluated("a", 0.9), "monday") == (1.0, False)
    assert step(evaluated("a", 0.9), "tuesday") == (1.0, False)
    assert len(read_history(connect(), "videmo").entries) == 1


def test_the_gate_lets_the_verdict_on_a_champion_stand_and_has_nothing_to_promote(evaluated, step, tmp_path):
    step(evaluated("a", 0.9), "monday")
    assert not run_gate(SETTINGS, {"name": "tuesday"}, manifests(evaluated("a", 0.9), tmp_path))
    verdict = json.loads((tmp_path / "runs" / "tuesday" / "verdict.json").read_text())
    assert (verdict["passed"], verdict["opponent"]) == (True, "base model")
