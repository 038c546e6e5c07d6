"""One model answers the test questions: what a comparison of many policies is made of, and the evaluation of a model
that was not trained here.

Only the answers are kept. Who scores them, and against whom, is a matter of moments and left to who compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.data.shards import open_dataset
from videmo.evaluation.answers import (
    REASONED,
    answered,
    ask,
    ask_reasoning,
    choose_questions,
    open_any_model,
    open_model,
    put_in,
)
from videmo.evaluation.predictions import read_predictions, write_predictions
from videmo.stage import StageReport, stage_directory

if TYPE_CHECKING:
    from videmo.config import Params

PREDICTIONS = "predictions.jsonl"
KEPT = "kept.jsonl"  # answers until they are all there
TRAINED = ("sft_", "tree_rl")  # how the stages that make policies are called


def run(params: Params, inputs: Mapping[str, Path], output: Path, reasoning: bool) -> StageReport:
    """Have the policy among `inputs` answer, the backbone where there is none; writes `predictions.jsonl`.

    With `reasoning` it answers level by level what has levels; the other answers are those among `inputs`.
    """
    with stage_directory(output, __name__, params, inputs) as work:
        questions = choose_questions(open_dataset(inputs["data_build"]), params.evaluation.max_clips)
        kept = work.path / KEPT
        if reasoning:
            sampler = open_model(_checkpoint(params, inputs), params)
            asked = partial(ask_reasoning, sampler, config=params.evaluation, reasoning=params.reasoning)
            found = answered(kept, questions.only(*REASONED), asked, work.progress)
            predictions = put_in(found, read_predictions(inputs["face15_answers"] / PREDICTIONS).predictions)
        else:
            model = open_any_model(_checkpoint(params, inputs), params)
            predictions = answered(kept, questions, partial(ask, model, config=params.evaluation), work.progress)
        write_predictions(work.path / PREDICTIONS, predictions)
        kept.unlink()
        return work.finish({"questions": len(predictions)})


def _checkpoint(params: Params, inputs: Mapping[str, Path]) -> str | Path:
    trained = next((path for name, path in inputs.items() if name.startswith(TRAINED)), None)
    return trained / "model" if trained else params.backbone.name
