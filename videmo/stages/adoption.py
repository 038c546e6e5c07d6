"""Adoption: an output below outputs/, where DVC or a colleague put it, enters the store if its digest fits."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from videmo.stages.damage import damaged_files
from videmo.stages.files import link_or_copy, sync, sync_tree
from videmo.stages.report import STAGE_FILE, StageReport
from videmo.stages.store import home, output_of, partial_of, stage_lock


def adopt(stage: str, digest: str) -> list[str]:
    """Link $VIDEMO_HOME/outputs/<stage> into the store if it is this output and the store has none.

    Every file is compared with its sha256 first. Returns the damaged ones; if there are any, nothing is adopted.
    """
    found, output = home() / "outputs" / stage, output_of(stage, digest)
    if output.exists():
        return []
    report = _report(found)
    if report is None or (report.stage, report.digest) != (stage, digest):
        return []
    with stage_lock(output):
        if output.exists():
            return []
        damaged = damaged_files(found)
        if not damaged:
            _link_files(report, output)
        return damaged


def _report(output: Path) -> StageReport | None:
    with suppress(OSError, ValueError):
        return StageReport.read(output)
    return None


def _link_files(report: StageReport, output: Path) -> None:
    new = output.with_name(output.name + ".adopted")
    shutil.rmtree(new, ignore_errors=True)
    for name in (*report.files, STAGE_FILE):
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(report.output / name, new / name)
    sync_tree(new)
    shutil.rmtree(partial_of(output), ignore_errors=True)
    os.rename(new, output)
    sync(output.parent)
