"""The results of a run, read from the outputs of its steps: for metrics.json, the report and Kubeflow Pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from videmo.evaluation.choices import UNREAD, read_choices, taken_for
from videmo.evaluation.interval import Figure
from videmo.evaluation.predictions import read_answers
from videmo.evaluation.statistics import MEAN15, TABLES
from videmo.tasks.catalog import PARTS, TASKS

if TYPE_CHECKING:
    from videmo.evaluation.scores_file import Figures, RegisteredFigures, ScoresFile
    from videmo.stages.step_record import StepRecord

CONFUSED = "emotion_dfew"  # the part whose confusion Kubeflow Pipelines shows: seven basic emotions


class StoredVerdict(TypedDict):
    """What every verdict.json has; registry/gate.py says what else."""

    passed: bool
    reason: str


class ClassificationMetrics(Protocol):
    """A step's `Output[ClassificationMetrics]` of Kubeflow Pipelines."""

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None: ...


@dataclass(frozen=True)
class Finished:
    """What a run has to show: its steps in order, and what could be read of the outputs of those that succeeded.

    `failed` has the gate and the report among it, which are no stages. `verdict` is the gate's, as a dictionary, or
    that of the promotion, which asks again; None if the run did not get that far. `registered` has the figures of
    versions in the registry that answered the same questions, and their judge.
    """

    steps: tuple[StepRecord, ...]
    failed: tuple[StepRecord, ...]
    outputs: dict[str, Path]
    scores: ScoresFile | None
    quarantined: list[dict[str, str]]
    verdict: StoredVerdict | None
    registered: RegisteredFigures | None


def finished(run: Path, steps: Sequence[StepRecord], failed: Sequence[StepRecord]) -> Finished:
    """Read whatever the steps have left."""
    outputs = {step.stage: Path(step.output) for step in steps if step.status == "succeeded"}
    outputs = {stage: output for stage, output in outputs.items() if (output / "stage.json").is_file()}
    evaluated, built, gate = (outputs.get(name) for name in ("face15_eval", "data_build", "gate"))
    return Finished(
        steps=tuple(steps),
        failed=tuple(failed),
        outputs=outputs,
        scores=read_json(evaluated / "scores.json") if evaluated else None,
        quarantined=(read_json(built / "quarantine.json") if built else None) or [],
        verdict=read_json(gate / "verdict.json") if gate else None,
        registered=read_json(run / "registered.json"),
    )


def run_metrics(found: Finished) -> dict[str, object]:
    """The content of metrics.json; a task that was not measured is null, and so is the mean where nothing was."""
    models: dict[str, Figures] = found.scores["models"] if found.scores else {}
    return {
        "face15": {model: _values(figures["task"], tuple(TASKS)) for model, figures in models.items()},
        "tables": {model: _values(figures["table"], TABLES) for model, figures in models.items()},
        MEAN15: {model: figures[MEAN15][0] for model, figures in models.items()},
        "seconds": {step.stage: step.seconds for step in found.steps if step.status == "succeeded"},
        "quarantined": found.quarantined,
        "intervals": {model: {**figures["task"], MEAN15: figures[MEAN15]} for model, figures in models.items()},
        "judge": found.scores["judge"] if found.scores else None,
        "verdict": found.verdict,
    }


def log_confusion(answers: Path, metrics: ClassificationMetrics) -> None:
    """Log the confusion matrix of CONFUSED to a step's `Output[ClassificationMetrics]` of Kubeflow Pipelines.

    answers: an output of answers_<model>.  Rows are references, columns answers. Where the part was not asked there is
    nothing to show.
    """
    choices = read_choices(prediction for prediction in read_answers(answers) if prediction.part == CONFUSED)
    labels = [*PARTS[CONFUSED].answers, UNREAD]
    if choices:
        metrics.log_confusion_matrix(labels, taken_for(choices, labels).tolist())


def write_verdict(gate: Path, page: str | Path) -> None:
    """The verdict in the output of the gate in one sentence, as Markdown."""
    verdict = read_json(gate / "verdict.json")
    outcome = "Passed" if verdict["passed"] else "Refused"
    Path(page).write_text(f"**{outcome}.** {verdict['reason']}\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """The content of a JSON file, None if there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _values(figures: Mapping[str, Figure], names: Sequence[str]) -> dict[str, float | None]:
    return {name: figures[name][0] if name in figures else None for name in names}
