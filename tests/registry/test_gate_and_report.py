"""The gate and the promotion as steps of a run: neither is ever taken from the store."""

import json

import pytest
from default_settings import params_with
from evaluated_models import PARAMS, challenger, champion, manifests, promoted

from videmo.pipeline.gate_and_report import keep_registered, open_run
from videmo.pipeline.step import Run, run_step
from videmo.registry.champion import read_history
from videmo.registry.manual_promotion import promote_version
from videmo.registry.tracking import connect
from videmo.stages.step_record import StepRecord

SETTINGS = PARAMS.model_dump(mode="json")


@pytest.fixture
def step(tmp_path):
    """Gate and promotion as steps of a run of its own, on what a model has answered."""

    def run(inputs, name):
        gate = run_step("gate", SETTINGS, {"name": name}, manifests(inputs, tmp_path))
        gate.write_manifest(tmp_path / "gate.json")
        report = run_step("promotion", SETTINGS, {"name": name}, [tmp_path / "gate.json"])
        (record,) = (one for one in Run(name).steps() if one.stage == "promotion")
        return report.metrics["promoted"], record.cached

    return run


def test_the_gate_step_leaves_the_verdict_in_the_runs_folder(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    given = manifests(evaluated("b", 0.9), tmp_path)
    report = run_step("gate", SETTINGS, {"name": "monday"}, given)
    assert report.output == tmp_path / "runs" / "monday" / "outputs" / "gate"
    assert report.metrics["promote"] == 1
    assert json.loads((report.output / "verdict.json").read_text())["opponent"] == "champion, version 1"
    assert (champion(), challenger()) == ("1", "2")
    open_run(Run("monday"), PARAMS)
    assert not report.output.exists()


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
    report = run_step("gate", SETTINGS, {"name": "tuesday"}, manifests(evaluated("a", 0.9), tmp_path))
    assert report.metrics["promote"] == 0
    verdict = json.loads((report.output / "verdict.json").read_text())
    assert (verdict["passed"], verdict["opponent"]) == (True, "base model")


def done(inputs, name):
    """A run whose steps have made these outputs."""
    run = Run(name)
    for stage, output in inputs.items():
        run.record(StepRecord(stage, "digest", str(output), status="succeeded"))
    return run


def test_the_report_step_keeps_the_figures_of_registered_models(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    run = done(evaluated("b", 0.9), "monday")
    keep_registered(run, PARAMS, run.steps())
    assert list(json.loads((run.folder / "registered.json").read_text())["models"]) == ["champion, version 1"]


def test_a_judge_that_cannot_be_reached_costs_the_report_its_registered_models_and_no_more(evaluated, tmp_path, capsys):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    run = done(evaluated("b", 0.9), "monday")
    nowhere = {"judge": "endpoint", "endpoint": {"url": "http://localhost:9/v1", "model": "m"}}
    settings = {
        **SETTINGS,
        "evaluation": {**SETTINGS["evaluation"], **nowhere},
        "execution": {"endpoint": {"retries": 0}},
    }
    keep_registered(run, params_with(settings), run.steps())
    assert not (run.folder / "registered.json").exists()
    assert "the report has no registered models: evaluation.endpoint.url = http://localhost:9/v1" in (
        capsys.readouterr().out
    )
