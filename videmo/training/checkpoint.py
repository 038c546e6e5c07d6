"""Resumable checkpoints. Each appears complete or not at all; the last two are kept."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from torch import distributed as dist

from videmo.settings.execution import Execution
from videmo.stages.files import UNFINISHED, sync_tree
from videmo.training.engine import TrainingEngine

KEPT = 2
CHECKPOINTS = "checkpoints"  # in the stage's partial directory
_NAME = re.compile(r"step-(\d+)")


def save_checkpoint(directory: Path, engine: TrainingEngine, step: int) -> None:
    """Write `directory`/step-N, the state of the engine after `step` updates. Every process must call it."""
    new, final = directory / f"step-{step}{UNFINISHED}", directory / f"step-{step}"
    if engine.process == 0:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
    dist.barrier()
    engine.save(new)
    dist.barrier()
    if engine.process == 0:
        state = {"step": step, "processes": engine.processes, "zero_stage": engine.settings.zero_stage}
        (new / "state.json").write_text(json.dumps(state), encoding="utf-8")
        sync_tree(new)
        shutil.rmtree(final, ignore_errors=True)
        os.rename(new, final)
        for old in _checkpoints(directory)[:-KEPT]:
            shutil.rmtree(old)
    dist.barrier()


def load_checkpoint(directory: Path, engine: TrainingEngine) -> int:
    """Load the newest checkpoint in `directory` into `engine`. Returns its step, or 0 without a checkpoint.

    Raises ValueError as `refuse_others` does.
    """
    refuse_others(directory, engine.settings)
    checkpoints = _checkpoints(directory)
    if not checkpoints:
        return 0
    engine.load(checkpoints[-1])
    return int(_state(checkpoints[-1])["step"])


def refuse_others(directory: Path, settings: Execution) -> None:
    """Raise ValueError if the newest checkpoint in `directory` was written by another number of processes or at
    another stage of ZeRO: its shards would not fit, nor the metrics be those of an unbroken run."""
    for newest in _checkpoints(directory)[-1:]:
        state = _state(newest)
        for setting in ("processes", "zero_stage"):
            if state[setting] != getattr(settings, setting):
                raise ValueError(
                    f"execution.{setting} = {getattr(settings, setting)}: the checkpoint {newest.name} was written "
                    f"with {state[setting]}; resume with execution.{setting} = {state[setting]}, or remove "
                    f"{directory} to start again"
                )


def _state(checkpoint: Path) -> dict[str, int]:
    return json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))


def remove_checkpoints(directory: Path, engine: TrainingEngine) -> None:
    """Remove the checkpoints of a finished stage. Every process must call it."""
    if engine.process == 0:
        shutil.rmtree(directory, ignore_errors=True)
    dist.barrier()


def _checkpoints(directory: Path) -> list[Path]:
    """Complete checkpoints, oldest first."""
    if not directory.is_dir():
        return []
    numbered = [(int(match[1]), path) for path in directory.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(numbered)]
