"""A stage at work: a directory that becomes its output in one rename, and what a killed run left there."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

from videmo.settings.sections import StageSettings
from videmo.stages.content import file_digest
from videmo.stages.digest import code_of, stage_digest
from videmo.stages.external_inputs import outside_digests
from videmo.stages.files import remove_unfinished, sync, sync_tree, write_whole
from videmo.stages.report import STAGE_FILE, StageReport
from videmo.stages.store import partial_of, progress_file, stage_lock

PROGRESS_SECONDS = 0.2


class Row(TypedDict):
    """Of a row of metrics.jsonl, what every one has; the values stand beside it, each under its name."""

    step: int


class Work:
    """A stage at work in `path`, the sibling `<output>.partial` of its output. Not for use by several processes."""

    def __init__(self, output: Path, report: StageReport):
        self.path = partial_of(output)
        self._report = report
        self._started = time.monotonic()
        self._shown = 0.0
        self.finished: StageReport | None = None

    def log(self, step: int, **values: float) -> None:
        """Append a row to metrics.jsonl; what is not finite is written as null."""
        row = {"step": step, **{name: _finite_or_none(value) for name, value in values.items()}}
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(row) + "\n")

    def rewind(self, step: int) -> None:
        """Drop the rows logged after `step`, and a row that a kill cut short."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            kept = [row for row in _whole_rows(path) if row["step"] <= step]
            write_whole(path, "".join(json.dumps(row) + "\n" for row in kept))

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Report progress; cheap, since only a few calls a second reach the disk."""
        now = time.monotonic()
        if now - self._shown >= PROGRESS_SECONDS or done >= total:
            self._shown = now
            progress_file(self._report.output).write_text(json.dumps({"done": done, "total": total, "note": note}))

    def finish(self, metrics: Mapping[str, float] | None = None) -> StageReport:
        """Seal the output: stage.json, every file on disk, one rename. Raises ValueError on a metric that is nan."""
        report = replace(
            self._report,
            metrics={name: _finite(name, value) for name, value in (metrics or {}).items()},
            seconds=round(time.monotonic() - self._started, 3),
            files={name: file_digest(path) for name, path in _files(self.path)},
            sizes={name: path.stat().st_size for name, path in _files(self.path)},
        )
        (self.path / STAGE_FILE).write_text(report.text(), encoding="utf-8")
        (self.path / ".digest").unlink()
        progress_file(report.output).unlink(missing_ok=True)
        sync_tree(self.path)
        os.rename(self.path, report.output)
        sync(report.output.parent)
        self.finished = report
        return report


@contextmanager
def stage_directory(output: Path, module: str, params: StageSettings, inputs: Mapping[str, Path]) -> Iterator[Work]:
    """Open `<output>.partial` for the stage in `module`; `work.finish()` turns it into `output`.

    What a killed run with the same digest left there is kept, so that the stage can resume; anything else is removed.
    A second process asking for the same output waits for the first. Raises FileExistsError if `output` is complete.
    """
    with stage_lock(output):
        if output.exists():
            raise FileExistsError(f"{output}: is complete already; remove it to run {params.stage} again")
        code, sections = code_of(module, params.modules), params.by_section()
        digests = {name: StageReport.read(path).digest for name, path in inputs.items()}
        input_digests = {**outside_digests(params), **digests}
        digest = stage_digest(code, sections, input_digests)
        report = StageReport(
            params.stage, digest, output, {}, 0.0, sections, input_digests, code.files, code.versions,
            execution=params.execution.model_dump(mode="json"),
        )  # fmt: skip
        _open_partial(partial_of(output), digest)
        progress_file(output).unlink(missing_ok=True)
        work = Work(output, report)
        yield work
        if work.finished is None:
            raise RuntimeError(f"stage {params.stage} ended without work.finish()")


def _open_partial(partial: Path, digest: str) -> None:
    mark = partial / ".digest"
    if partial.exists() and (not mark.exists() or mark.read_text() != digest):
        shutil.rmtree(partial)
    partial.mkdir(exist_ok=True)
    remove_unfinished(partial)
    mark.write_text(digest)


def _files(directory: Path) -> list[tuple[str, Path]]:
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != ".digest")
    return [(path.relative_to(directory).as_posix(), path) for path in files]


def _whole_rows(path: Path) -> Iterator[Row]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"the metric {name} is {value}: leave it out if there is nothing to measure")
    return float(value)
