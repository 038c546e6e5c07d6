"""How far a stage says it is, for whoever shows it."""

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
    """How far the stage that makes `output` says it is; empty where it has not said so."""
    try:
        return json.loads(progress_file(output).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):  # none yet, or just being written
        return {}
