"""The stage face15_eval: every model of the run answers the test questions and is scored with intervals."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videmo.config import Params
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
from videmo.stage import StageReport, Work, stage_directory

if TYPE_CHECKING:
    from videmo.generation.sampler import Sampler

MODELS = ("base", "sft_attribute", "sft_expression", "sft_emotion", "rl", "rl_reasoning")


def run(params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Evaluate the models in `MODELS`; what was answered before a kill is not asked again.

    inputs: data_build and the checkpoints sft_attribute, sft_expression, sft_emotion, tree_rl.
    """
    judge = choose_judge(params.evaluation)
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
        figures = {model: estimate(scores[model], *_resampling(params)) for model in MODELS}
        _write(work.path / "scores.json", _scores_json(figures, scores, questions, params))
        return work.finish(metrics=_metrics(figures))


def answer(
    model: str, sampler: Sampler, questions: Questions, params: Params, folder: Path, progress: Progress
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


def _checkpoint(model: str, params: Params, inputs: Mapping[str, Path]) -> str | Path:
    if model == "base":
        return params.backbone.name
    return inputs["tree_rl" if model.startswith("rl") else model] / "model"


def _progress(work: Work, number: int, model: str) -> Progress:
    def progress(done: int, total: int) -> None:
        work.progress(round(1000 * (number + done / max(1, total))), 1000 * len(MODELS), note=model)

    return progress


def _resampling(params: Params) -> tuple[int, int]:
    return params.evaluation.resamples, params.evaluation.seed


def _scores_json(
    figures: Mapping[str, Estimates], scores: Mapping[str, Scores], questions: Questions, params: Params
) -> dict[str, Any]:
    steps = zip(MODELS[1:], MODELS, strict=False)
    gains = {f"{new} - {old}": gain_json(scores[new], scores[old], *_resampling(params)) for new, old in steps}
    return {
        "judge": scores["base"].judge,
        "resamples": params.evaluation.resamples,
        "seed": params.evaluation.seed,
        "samples": len(questions.samples),
        "clips": questions.clips,
        "clusters": len(set(scores["base"].clusters)),
        "models": {model: figures_json(found) for model, found in figures.items()},
        "gains": gains,
    }


def gain_json(new: Scores, old: Scores, resamples: int, seed: int) -> dict[str, Any]:
    """Every figure of the paired difference as [value, low, high], and what it can show."""
    return {**figures_json(difference(new, old, resamples, seed)), **asdict(evidence(new, old, resamples, seed))}


def figures_json(found: Estimates) -> dict[str, Any]:
    """Every figure as [value, low, high]."""
    levels = {"column": found.columns, "task": found.tasks, "table": found.tables}
    listed = {level: {name: i.as_list() for name, i in figures.items()} for level, figures in levels.items()}
    return {**listed, MEAN15: found.mean15.as_list()}


def _metrics(figures: Mapping[str, Estimates]) -> dict[str, float]:
    means = {f"{MEAN15}.{model}": found.mean15.value for model, found in figures.items()}
    tables = {f"table.{m}.{t}": i.value for m, found in figures.items() for t, i in found.tables.items()}
    return {**means, **tables}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
