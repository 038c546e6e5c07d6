"""The stage face15_eval: every model of the run answers the test questions and is scored with intervals."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videmo.data.shards import open_dataset
from videmo.evaluation.answers import (
    Progress,
    Questions,
    choose_questions,
    open_model,
    plain_answers,
    reasoned_answers,
)
from videmo.evaluation.evidence import evidence
from videmo.evaluation.judge import choose_judge, score
from videmo.evaluation.predictions import Prediction, read_predictions, write_predictions
from videmo.evaluation.statistics import MEAN15, Estimates, Scores, difference, estimate
from videmo.settings.evaluation import Evaluation
from videmo.settings.sections import EvalSettings
from videmo.stages.report import StageReport
from videmo.stages.work import Work, stage_directory
from videmo.tasks.catalog import PAPER_COLUMNS
from videmo.tasks.metrics import paper_aggregates, truncate

if TYPE_CHECKING:
    from videmo.generation.sampler import Sampler

MODELS = ("base", "sft_attribute", "sft_expression", "sft_emotion", "rl", "rl_reasoning")


def run(params: EvalSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Evaluate the models in `MODELS`; what was answered before a kill is not asked again.

    inputs: data_build and the checkpoints sft_attribute, sft_expression, sft_emotion, tree_rl.
    """
    judge = choose_judge(params.evaluation, params.execution.endpoint)
    with stage_directory(output, __name__, params, inputs) as work:
        questions = choose_questions(open_dataset(inputs["data_build"]), params.evaluation.max_clips)
        folder = work.path / "predictions"
        folder.mkdir(exist_ok=True)
        sampler: Sampler | None = None
        for number, model in enumerate(MODELS):
            if not (folder / f"{model}.jsonl").exists():
                sampler = open_model(_checkpoint(model, params, inputs), params, sampler)
                predictions = answer(model, sampler, questions, params, folder, _progress(work, number, model))
                write_predictions(folder / f"{model}.jsonl", predictions)
                sampler.release()
                gc.collect()  # a model refers to itself in circles; two at once would not fit a small machine
            _kept(folder, model).unlink(missing_ok=True)
        scores = {m: score(read_predictions(folder / f"{m}.jsonl").predictions, judge) for m in MODELS}
        found = scores_json(scores, questions.clips, params.evaluation)
        (work.path / "scores.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        return work.finish(metrics=_metrics(found["models"]))


def answer(
    model: str, sampler: Sampler, questions: Questions, params: EvalSettings, folder: Path, progress: Progress
) -> list[Prediction]:
    """The answers of one model; those of `rl_reasoning` are the answers of `rl` but for the reasoned parts.

    folder: where the answers of the other models are, and these are added batch by batch.
    """
    kept = _kept(folder, model)
    if model != "rl_reasoning":
        return plain_answers(sampler, questions, params, kept, progress)
    plain = read_predictions(folder / "rl.jsonl").predictions
    return reasoned_answers(sampler, questions, params, kept, progress, plain)


def _kept(folder: Path, model: str) -> Path:
    """Where the answers of a model gather until they are all there."""
    return folder / f"{model}.kept.jsonl"


def _checkpoint(model: str, params: EvalSettings, inputs: Mapping[str, Path]) -> str | Path:
    if model == "base":
        return params.backbone.name
    return inputs["tree_rl" if model.startswith("rl") else model] / "model"


def _progress(work: Work, number: int, model: str) -> Progress:
    def progress(done: int, total: int) -> None:
        work.progress(round(1000 * (number + done / max(1, total))), 1000 * len(MODELS), note=model)

    return progress


def scores_json(scores: Mapping[str, Scores], clips: int, settings: Evaluation) -> dict[str, Any]:
    """What the answers of some models to the same questions, about so many clips, come to; and what each of the models
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


def _aggregates(found: Estimates) -> dict[str, float]:
    columns = {name: figure.value for name, figure in found.columns.items()}
    return {name: truncate(value) for name, value in paper_aggregates(columns).items()}


def gain_json(new: Scores, old: Scores, resamples: int, seed: int) -> dict[str, Any]:
    """Every figure of the paired difference as [value, low, high], and what it can show."""
    return {**figures_json(difference(new, old, resamples, seed)), **asdict(evidence(new, old, resamples, seed))}


def figures_json(found: Estimates) -> dict[str, Any]:
    """Every figure as [value, low, high]."""
    levels = {"column": found.columns, "task": found.tasks, "table": found.tables}
    listed = {level: {name: i.as_list() for name, i in figures.items()} for level, figures in levels.items()}
    return {**listed, MEAN15: found.mean15.as_list()}


def _metrics(models: Mapping[str, dict[str, Any]]) -> dict[str, float]:
    means = {f"{MEAN15}.{model}": figures[MEAN15][0] for model, figures in models.items()}
    tables = {f"table.{m}.{t}": figure[0] for m, figures in models.items() for t, figure in figures["table"].items()}
    return {**means, **tables}
