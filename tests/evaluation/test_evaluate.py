"""The scores of answers that are there: no model is asked."""

import json

import pytest
from default_settings import params_with

from videmo.evaluation import evaluate
from videmo.evaluation.evaluate import MODELS
from videmo.settings.sections import EvalSettings

PARAMS = params_with({"evaluation": {"resamples": 50}})


@pytest.fixture(scope="module")
def report(outputs, tmp_path_factory):
    inputs = {f"answers_{model}": outputs / f"answers_{model}" for model in MODELS}
    return evaluate.run(
        EvalSettings.of(PARAMS, "face15_eval"), inputs, tmp_path_factory.mktemp("store") / "face15_eval"
    )


def test_scores_and_metrics_hold_every_model(report):
    scores = json.loads((report.output / "scores.json").read_text())
    assert tuple(scores["models"]) == MODELS
    assert scores["judge"] == "rules"
    value, low, high = scores["models"]["rl"]["mean15"]
    assert 0 <= value <= 100
    assert low is high is None  # fewer people were asked about than an interval needs
    assert {f"mean15.{model}" for model in MODELS} <= set(report.metrics)
    assert {f"table.base.{table}" for table in ("attribute", "expression", "understanding")} <= set(report.metrics)


def test_the_questions_and_clips_are_counted_from_the_answers(report, outputs):
    scores = json.loads((report.output / "scores.json").read_text())
    answers = [json.loads(line) for line in (outputs / "answers_base" / "predictions.jsonl").read_text().splitlines()]
    assert scores["samples"] == len(answers)
    assert scores["clips"] == len({answer["clip"] for answer in answers})


def test_the_inputs_of_the_row_are_the_answers_of_every_model():
    from videmo.pipeline.dag import TABLE

    assert TABLE["face15_eval"].inputs == tuple(f"answers_{model}" for model in MODELS)
