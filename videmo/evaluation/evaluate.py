"""The stage face15_eval: the answers of every model of the run, scored with intervals. It asks no model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.evaluation.evidence import evidence
from videmo.evaluation.interval import listed, value_of
from videmo.evaluation.judge import choose_judge, score
from videmo.evaluation.predictions import ANSWERS, read_answers
from videmo.evaluation.statistics import MEAN15, Estimates, Scores, difference, estimate
from videmo.settings.evaluation import Scoring
from videmo.settings.sections import EvalSettings
from videmo.stages.report import StageReport
from videmo.stages.work import stage_directory
from videmo.tasks.catalog import PAPER_COLUMNS
from videmo.tasks.metrics import paper_aggregates, truncate

if TYPE_CHECKING:
    from videmo.evaluation.scores_file import Figures, GainFigures, ScoresFile

MODELS = ("base", "sft_attribute", "sft_expression", "sft_emotion", "rl", "rl_reasoning")


def run(params: EvalSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Score the answers of the models in `MODELS`; writes `scores.json`.

    inputs: answers_<model> for each of them.
    """
    judge = choose_judge(params.evaluation, params.execution.endpoint)
    with stage_directory(output, __name__, params, inputs) as work:
        answers = {model: read_answers(inputs[ANSWERS + model]) for model in MODELS}
        clips = len({prediction.clip for prediction in answers[MODELS[0]]})
        scores = {model: score(predictions, judge) for model, predictions in answers.items()}
        content = scores_json(scores, clips, params.evaluation)
        (work.path / "scores.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        return work.finish(metrics=_metrics(content["models"]))


def scores_json(scores: Mapping[str, Scores], clips: int, settings: Scoring) -> ScoresFile:
    """The figures of several models' answers to the same questions about `clips` clips, and what each of the models
    adds to the one before it.

    A model measured in all of the paper's columns has the paper's aggregates as well, truncated as the paper prints
    its figures.
    """
    sampling = (settings.resamples, settings.seed)
    figures = {model: estimate(found, *sampling) for model, found in scores.items()}
    names = list(scores)
    first = scores[names[0]]
    return {
        "judge": first.judge,
        "resamples": settings.resamples,
        "seed": settings.seed,
        "samples": len(set(first.samples)),
        "clips": clips,
        "clusters": len(set(first.clusters)),
        "models": {model: figures_json(found) for model, found in figures.items()},
        "paper_aggregates": {m: _aggregates(f) for m, f in figures.items() if set(f.columns) >= set(PAPER_COLUMNS)},
        "gains": {f"{new} - {old}": gain_json(scores[new], scores[old], *sampling) for old, new in pairwise(names)},
    }


def _aggregates(estimates: Estimates) -> dict[str, float]:
    columns = {name: figure.value for name, figure in estimates.columns.items()}
    return {name: truncate(value) for name, value in paper_aggregates(columns).items()}


def gain_json(new: Scores, old: Scores, resamples: int, seed: int) -> GainFigures:
    """Every figure of the paired difference as [value, low, high], and what it can show."""
    shown = evidence(new, old, resamples, seed)
    return {**figures_json(difference(new, old, resamples, seed)), "p": shown.p, "detectable": shown.detectable}


def figures_json(estimates: Estimates) -> Figures:
    """Every figure as [value, low, high], the last two None if the interval is unknown."""
    return {
        "column": listed(estimates.columns),
        "task": listed(estimates.tasks),
        "table": listed(estimates.tables),
        MEAN15: estimates.mean15.as_list(),
    }


def _metrics(models: Mapping[str, Figures]) -> dict[str, float]:
    means = {f"{MEAN15}.{model}": value_of(figures[MEAN15]) for model, figures in models.items()}
    tables = {f"table.{m}.{t}": value_of(f) for m, figures in models.items() for t, f in figures["table"].items()}
    return {**means, **tables}
