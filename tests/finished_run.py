"""What a run has left when its report is written: the outputs of its stages and the records of its steps."""

import json
import shutil

from default_settings import evaluation_settings, params_with
from html_page import Page

from videmo.data.shards import open_dataset
from videmo.evaluation.answers import choose_questions
from videmo.evaluation.evaluate import MODELS, scores_json
from videmo.evaluation.judge import score
from videmo.evaluation.predictions import Prediction, write_predictions
from videmo.evaluation.report import write_report
from videmo.stages.report import StageReport
from videmo.stages.step_record import StepRecord

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>"
PARAMS = params_with()
ASKED = tuple(f"answers_{model}" for model in MODELS)
STAGES = ("data_build", "data_validation", "sft_attribute", "tree_rl", *ASKED, "face15_eval", "gate", "promotion")


def make_store(root, built_data):
    """Outputs of a run: real data, answers that are right now and then, and hostile ones."""
    shutil.copytree(built_data, root / "data_build")
    dataset = open_dataset(root / "data_build")
    (root / "data_build" / "quarantine.json").write_text(json.dumps([{"file": f"{EVIL}.mp4", "reason": "empty"}]))
    for stage in STAGES[1:]:
        (root / stage).mkdir()
        report = StageReport(stage, stage, root / stage, {}, 1.0)
        (root / stage / "stage.json").write_text(json.dumps(report.to_json()))
    rows = [{"step": step, "loss": 1 / (step + 1), "reward": None if step == 3 else step} for step in range(900)]
    (root / "tree_rl" / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluated(root, dataset)


def evaluated(root, dataset):
    samples = choose_questions(dataset, None).samples
    scores = {}
    for number, model in enumerate(MODELS):
        answers = [
            Prediction(
                s.id, s.part, s.clip, dataset.clips[s.clip].person, s.question, s.answer,
                s.answer if index % 7 < number else EVIL + "\ud800",
                logprobs=(("a", -0.1 * (index % 9)), ("b", -0.01)),
            )
            for index, s in enumerate(samples)
        ]  # fmt: skip
        write_predictions(root / f"answers_{model}" / "predictions.jsonl", answers)
        scores[model] = score(answers)
    content = scores_json(scores, 6, evaluation_settings(resamples=50))
    (root / "face15_eval" / "scores.json").write_text(json.dumps(content))


def steps(root, failed=None):
    found, broken = [], False
    for stage in STAGES:
        broken = broken or stage == failed
        status = "failed" if stage == failed else "not run" if broken else "succeeded"
        error = f"the loss is nan {EVIL}" if stage == failed else None
        inputs = [] if stage == "data_build" else ["data_build"]
        output = "" if broken else str(root / stage)
        found.append(
            StepRecord(stage, "d", output, inputs, stage == "data_validation", 0.0 if broken else 75.0, status, error)
        )
    return found


def write_steps(run, found):
    return write_report(run, PARAMS, found, [step for step in found if step.status == "failed"])


def written(tmp_path, root, failed=None):
    run = tmp_path / "monday"
    run.mkdir(parents=True)
    page = write_steps(run, steps(root, failed))
    return Page(page.read_text(encoding="utf-8")), json.loads((run / "metrics.json").read_text()), page
