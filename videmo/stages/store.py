"""Where outputs lie, below one home, and who may write them."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock


def home() -> Path:
    """The root of everything that is written: $VIDEMO_HOME, by default the current directory."""
    return Path(os.environ.get("VIDEMO_HOME") or ".").resolve()


def output_of(stage: str, digest: str) -> Path:
    """Where the store has the output of a stage."""
    return home() / "store" / stage / digest


def run_folder(run: str) -> Path:
    """Where everything that belongs to one run lies."""
    return home() / "runs" / run


def run_output_of(run: str, stage: str) -> Path:
    """Where a run keeps the output of a stage that is never reused, because it depends on the moment."""
    return run_folder(run) / "outputs" / stage


def run_of(output: Path) -> str:
    """The name of the run that such an output belongs to."""
    return output.parents[1].name


def partial_of(output: Path) -> Path:
    return output.with_name(output.name + ".partial")


def progress_file(output: Path) -> Path:
    return output.parent / f".{output.name}.progress"


def stage_lock(output: Path) -> FileLock:
    """One process at a time per output; the process that holds the lock may take it again."""
    output.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(output.parent / f".{output.name}.lock", is_singleton=True)
