"""The report of a run: metrics.json and report.html, a single self-contained page."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.data.shards import Dataset, open_dataset
from videmo.evaluation.predictions import ANSWERS, Prediction, read_answers
from videmo.evaluation.report_page.charts import StepBox, curves, dag, line_chart
from videmo.evaluation.report_page.confusions import show_choices
from videmo.evaluation.report_page.data_summary import summarise
from videmo.evaluation.report_page.examples import choose_examples
from videmo.evaluation.report_page.rendering import duration, render
from videmo.evaluation.results import Finished, finished, run_metrics
from videmo.evaluation.statistics import MEAN15, TABLES
from videmo.settings.params import Params
from videmo.stages.files import write_json, write_whole
from videmo.stages.report import STOPPED
from videmo.tasks.catalog import COLUMNS, TASKS

if TYPE_CHECKING:
    from markupsafe import Markup

    from videmo.evaluation.scores_file import Figures, OwnScores, ScoresFile
    from videmo.stages.step_record import StepRecord

TRAINED = ("sft_attribute", "sft_expression", "sft_emotion", "tree_rl")
SHOWN_CURVES = 6  # of a step
SHOWN_QUARANTINED = 100
SHOWN_MODELS = ("rl_reasoning", "rl", "sft_emotion", "base")  # whose answers are shown: the first that answered


def write_report(run: Path, params: Params, steps: Sequence[StepRecord], failed: Sequence[StepRecord]) -> Path:
    """Write metrics.json and report.html into the folder of a run, from whatever steps succeeded; returns the page.

    failed: the records of what failed, the gate among it, which is no stage.
    """
    found = finished(run, steps, failed)
    write_json(run / "metrics.json", run_metrics(found))
    write_whole(run / "report.html", render("report.html.jinja", _content(run.name, params, found)))
    return run / "report.html"


def write_evaluation(page: Path, scores: OwnScores, answers: Sequence[Prediction], data: Path) -> None:
    """Write the page of one model that was evaluated on its own. scores: as in scores.json; data: of data_build."""
    ((model, figures),) = scores["models"].items()
    shown = _evaluation(scores, scores["models"], model, answers, open_dataset(data))
    content = {"name": scores["name"], "mean": figures[MEAN15], **shown}
    write_whole(page, render("evaluation.html.jinja", content))


def _content(name: str, params: Params, found: Finished) -> dict[str, object]:
    dataset = open_dataset(found.outputs["data_build"]) if "data_build" in found.outputs else None
    boxes = _boxes(found.steps)
    return {
        "name": name,
        "source": params.data.source,
        "backbone": params.backbone.name,
        "sentence": _sentence(found),
        "passed": bool(found.verdict and found.verdict["passed"]) and not found.failed,
        "failed": [step for step in found.failed if step.error != STOPPED],
        "seconds": sum(step.seconds for step in found.steps),
        "dag": (dag(boxes, across=True), dag(boxes, across=False)),
        **_evaluation(found.scores, _models(found), *_answers(found), dataset),
        "apart": _apart(found),
        "verdict": found.verdict,
        "curves": _curves(found),
        "summary": summarise(dataset) if dataset else None,
        "quarantined": found.quarantined[:SHOWN_QUARANTINED],
        "quarantined_total": len(found.quarantined),
    }


def _evaluation(
    scores: ScoresFile | None,
    models: dict[str, Figures],
    model: str,
    answers: Sequence[Prediction],
    dataset: Dataset | None,
) -> dict[str, object]:
    """What the page needs for its figures. models: name -> figures, in the order shown; model: whose `answers` these
    are."""
    asked = Counter(prediction.part for prediction in answers)
    sampling = (scores["resamples"], scores["seed"]) if scores else (0, 0)
    return {
        "scores": scores,
        "models": models,
        "tasks": TASKS,
        "columns": COLUMNS.values(),
        "tables": TABLES,
        "mean15": MEAN15,
        "model": model,
        "asked": asked,
        "questions": {name: sum(asked[part] for part in column.parts) for name, column in COLUMNS.items()},
        "choices": show_choices(answers, dataset, *sampling),
        "examples": choose_examples(answers, dataset) if dataset else (),
    }


def _sentence(found: Finished) -> str:
    """The outcome of the run in one sentence."""
    for step in found.failed:
        if step.error == STOPPED:
            return f"The run was stopped in {step.stage}; run the same command again to continue."
        return f"The run failed in {step.stage}."
    if found.verdict:
        return found.verdict["reason"]
    if found.scores:
        return "The models were evaluated; no verdict of the gate was recorded."
    return "The run did not get as far as an evaluation."


def _boxes(steps: Sequence[StepRecord]) -> list[StepBox]:
    """A box for each step. The steps in which models answer share one: they do not follow one another."""
    asking = [step for step in steps if step.stage.startswith(ANSWERS)]
    others = [step for step in steps if step not in asking]
    boxes = [StepBox(step.stage, step.status, _note(step), _sources(step)) for step in others]
    if asking:
        last = max((place for place, box in enumerate(boxes) if box.name in TRAINED), default=-1)
        boxes.insert(last + 1, _shared_box(asking))
    return boxes


def _sources(step: StepRecord) -> tuple[str, ...]:
    """The boxes that a step reads from."""
    return tuple(dict.fromkeys("answers" if name.startswith(ANSWERS) else name for name in step.inputs))


def _shared_box(asking: Sequence[StepRecord]) -> StepBox:
    """One box for several steps: the status of the first that is not done, or what they took together."""
    unfinished = sorted((step for step in asking if step.status != "succeeded"), key=lambda step: not step.error)
    seconds = sum(step.seconds for step in asking)
    first = unfinished[0] if unfinished else replace(asking[0], cached=all(step.cached for step in asking))
    inputs = dict.fromkeys(name for step in asking for name in _sources(step) if name != "answers")
    return StepBox("answers", first.status, _note(replace(first, seconds=seconds)), tuple(inputs))


def _note(step: StepRecord) -> str:
    if step.status != "succeeded":
        return "stopped" if step.error == STOPPED else step.status
    return "cached" if step.cached else duration(step.seconds)


def _models(found: Finished) -> dict[str, Figures]:
    """Name -> figures: the models of the run, and the registered ones that the same judge scored."""
    own: dict[str, Figures] = found.scores["models"] if found.scores else {}
    return own if found.registered is None or _apart(found) else {**own, **found.registered["models"]}


def _apart(found: Finished) -> str | None:
    """Why registered models are not shown beside those of the run, if they are not."""
    if not (found.scores and found.registered) or found.scores["judge"] == found.registered["judge"]:
        return None
    names = "; ".join(found.registered["models"])
    ours, theirs = found.scores["judge"], found.registered["judge"]
    return f"Not shown beside them: {names}. They were judged by {theirs}, not {ours}, so figures cannot be compared."


def _answers(found: Finished) -> tuple[str, tuple[Prediction, ...]]:
    """The answers that the page shows, and whose they are."""
    for model in SHOWN_MODELS if found.scores else ():
        if output := found.outputs.get(ANSWERS + model):
            return model, read_answers(output)
    return "", ()


def _curves(found: Finished) -> dict[str, dict[str, Markup]]:
    """Stage -> name of a value -> its chart."""
    drawn = {}
    for stage in TRAINED:
        path = found.outputs.get(stage, Path()) / "metrics.jsonl"
        if stage in found.outputs and path.exists():
            lines = curves([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])
            drawn[stage] = {name: line_chart(name, points) for name, points in list(lines.items())[:SHOWN_CURVES]}
    return drawn
