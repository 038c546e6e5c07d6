"""Damage: outputs whose files are not what was written, found by reading them again."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from videmo.stages.content import file_digest
from videmo.stages.report import DAMAGED, STAGE_FILE, StageReport
from videmo.stages.store import home, output_of


def damaged_files(output: Path) -> list[str]:
    """The files of a complete output that are missing, or not byte for byte what was written."""
    try:
        report = StageReport.read(output)
        same = report.text() == (output / STAGE_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return [STAGE_FILE]
    changed = [name for name, digest in report.files.items() if not _is(output / name, digest)]
    return changed if same else [STAGE_FILE, *changed]


def find_damage(output: Path) -> list[str]:
    """As `damaged_files`; also marks a damaged output of the store, so that the next run makes it again."""
    files = damaged_files(output)
    if files and (home() / "store") in output.resolve().parents:
        with suppress(OSError):  # a read-only store
            (output / DAMAGED).write_text("".join(f"{name}\n" for name in files), encoding="utf-8")
    return files


def check_inputs(inputs: Iterable[Path]) -> None:
    """Raise ValueError naming the directory of the first damaged input; reads every file."""
    for path in inputs:
        for place in (*_in_the_store(path), path):
            if files := find_damage(place):
                raise ValueError(f"input damaged: remove {place}, then run again ({', '.join(files[:3])} changed)")


def stored_outputs() -> list[Path]:
    """Every output that the store has."""
    every = sorted((home() / "store").glob("*/*"))
    return [path for path in every if path.is_dir() and not path.suffix and not path.name.startswith(".")]


def _in_the_store(path: Path) -> list[Path]:
    """Where the store has what lies in `path`, as links of DVC's outputs lead there."""
    with suppress(OSError, ValueError):
        report = StageReport.read(path)
        stored = output_of(report.stage, report.digest)
        return [stored] if stored.exists() else []
    return []


def _is(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False
