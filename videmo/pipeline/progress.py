"""The progress that a stage reports, for whoever shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from videmo.stages.store import progress_file

REFRESH_SECONDS = 0.25


class Progress(TypedDict, total=False):
    done: int
    total: int
    note: str


def read_progress(output: Path) -> Progress:
    """The progress that the stage making `output` reports; empty if it has reported none."""
    try:
        said: Progress = json.loads(progress_file(output).read_text(encoding="utf-8"))
        return said
    except (FileNotFoundError, json.JSONDecodeError):  # none yet, or just being written
        return {}
