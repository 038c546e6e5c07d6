"""One model answers the test questions: what a comparison of many policies is made of, and the evaluation of a model
that was not trained here.

Only the answers are kept. Who scores them, and against whom, is a matter of moments and left to who compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from videmo.data.shards import open_dataset
from videmo.evaluation.answers import (
    Progress,
    Questions,
    choose_questions,
    open_any_model,
    open_model,
    plain_answers,
    reasoned_answers,
)
from videmo.evaluation.predictions import Prediction, read_predictions, write_predictions
from videmo.settings.sections import AnswerSettings, ReasoningSettings
from videmo.stages.report import StageReport
from videmo.stages.work import stage_directory

PREDICTIONS = "predictions.jsonl"
KEPT = "kept.jsonl"  # answers until they are all there
TRAINED = ("sft_", "tree_rl")  # how the stages that make policies are called


def run(params: AnswerSettings, inputs: Mapping[str, Path], output: Path, reasoning: bool) -> StageReport:
    """Have the policy among `inputs` answer, the backbone where there is none; writes `predictions.jsonl`.

    With `reasoning` it answers level by level what has levels; the other answers are those among `inputs`.
    """
    with stage_directory(output, __name__, params, inputs) as work:
        questions = choose_questions(open_dataset(inputs["data_build"]), params.evaluation.max_clips)
        kept, predictions = work.path / KEPT, work.path / PREDICTIONS
        if not predictions.exists():  # a kill may come between the last answer and the end
            asked = _reasoned if reasoning else _plain
            write_predictions(predictions, asked(questions, params, inputs, kept, work.progress))
        kept.unlink(missing_ok=True)
        return work.finish({"questions": len(questions.samples)})


def _plain(
    questions: Questions, params: AnswerSettings, inputs: Mapping[str, Path], kept: Path, progress: Progress
) -> list[Prediction]:
    return plain_answers(open_any_model(_checkpoint(params, inputs), params), questions, params, kept, progress)


def _reasoned(
    questions: Questions, params: AnswerSettings, inputs: Mapping[str, Path], kept: Path, progress: Progress
) -> list[Prediction]:
    assert isinstance(params, ReasoningSettings)
    plain = read_predictions(inputs["face15_answers"] / PREDICTIONS).predictions
    sampler = open_model(_checkpoint(params, inputs), params)
    return reasoned_answers(sampler, questions, params, kept, progress, plain)


def _checkpoint(params: AnswerSettings, inputs: Mapping[str, Path]) -> str | Path:
    trained = next((path for name, path in inputs.items() if name.startswith(TRAINED)), None)
    return trained / "model" if trained else params.backbone.name
