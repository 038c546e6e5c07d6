"""The stages answers_<model>: one model answers the test questions.

It keeps the answers only; face15_eval, the gate and the registry score them, which is fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from videmo.evaluation.answers import answer_questions
from videmo.evaluation.predictions import ANSWERS, PREDICTIONS, read_answers, write_predictions
from videmo.settings.sections import AnswerSettings
from videmo.stages.report import StageReport
from videmo.stages.work import stage_directory

KEPT = "kept.jsonl"  # answers until they are all there
POLICIES = ("sft_", "tree_rl")  # how the names of stages that make policies begin


def run(params: AnswerSettings, inputs: Mapping[str, Path], output: Path, reasoning: bool) -> StageReport:
    """Ask the policy among `inputs`, or the backbone if there is none; writes `predictions.jsonl`.

    With `reasoning` it answers level by level what has levels; the other answers are those among `inputs`.
    """
    with stage_directory(output, __name__, params, inputs) as work:
        predictions = work.path / PREDICTIONS
        if not predictions.exists():  # a kill may come between the last answer and the end
            plain = read_answers(_input(inputs, ANSWERS)) if reasoning else None
            policy = next((path / "model" for name, path in inputs.items() if name.startswith(POLICIES)), None)
            answers = answer_questions(
                policy or params.backbone.name, inputs["data_build"], params, work.path / KEPT, work.progress, plain
            )
            write_predictions(predictions, answers)
        (work.path / KEPT).unlink(missing_ok=True)
        return work.finish({"questions": len(read_answers(work.path))})


def _input(inputs: Mapping[str, Path], prefix: str) -> Path:
    return next(path for name, path in inputs.items() if name.startswith(prefix))
