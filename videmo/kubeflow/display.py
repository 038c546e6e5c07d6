"""What a run shows while it runs: a live table on a terminal, a line per event in a pipe."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from videmo.pipeline.dag import PlannedStep
from videmo.pipeline.progress import REFRESH_SECONDS, read_progress
from videmo.pipeline.step import Run
from videmo.stages.step_record import StepRecord

if TYPE_CHECKING:
    from rich.table import Table

MARKS = {"succeeded": "[green]✓", "failed": "[red]✗", "running": "[yellow]▶", "not run": "[dim]·"}


@dataclass(frozen=True)
class ShownStep:
    """A step as it is shown: seconds so far, and the progress it reports."""

    step: StepRecord
    seconds: float
    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def state(self) -> str:
        return "cached" if self.step.cached else self.step.status


@contextmanager
def showing(run: Run, stages: Sequence[str], plan: Sequence[PlannedStep], out: TextIO) -> Iterator[None]:
    """Show the steps of `run` on `out` until the block ends."""
    watched = Watched(run, [step for step in plan if step.stage in stages])
    with _table(watched, out) if out.isatty() else _lines(watched, out):
        yield


class Watched:
    """The steps of a run, read from their records and progress files; remembers when each was first seen running."""

    def __init__(self, run: Run, plan: Sequence[PlannedStep]):
        self.run, self.plan = run, plan
        self.started = time.monotonic()
        self._seen: dict[str, float] = {}

    def rows(self) -> list[ShownStep]:
        """The steps that are planned, in the order of the table."""
        records = {step.stage: step for step in self.run.steps()}
        unseen = (step.stage for step in self.plan if step.stage not in records)  # optional ones before they begin
        records |= {name: StepRecord(name, "", "", status="not run") for name in unseen}
        return [self._row(records[planned.stage]) for planned in self.plan]

    def reason(self, stage: str) -> str:
        return next((step.reason for step in self.plan if step.stage == stage), "")

    def _row(self, step: StepRecord) -> ShownStep:
        if step.status != "running":
            return ShownStep(step, step.seconds)
        since = time.monotonic() - self._seen.setdefault(step.stage, time.monotonic())
        return ShownStep(step, since, **(read_progress(Path(step.output)) if step.output else {}))


@contextmanager
def _table(watched: Watched, out: TextIO) -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live

    def render() -> Table:
        return _render(watched)

    with Live(
        get_renderable=render,
        console=Console(file=out),
        refresh_per_second=4,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield


def _render(watched: Watched) -> Table:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    table = Table(box=None, padding=(0, 1), title=f"run {watched.run.name}", title_justify="left")
    for heading in ("", "step", "progress", "", "time"):
        table.add_column(heading, justify="right" if heading == "time" else "left")
    for row in watched.rows():
        bar = ProgressBar(total=row.total, completed=row.done, width=24) if row.total else ""
        note = row.step.error or row.note or ("" if row.state != "running" else watched.reason(row.step.stage))
        seconds = "" if row.state == "not run" else _clock(row.seconds)
        state = "[dim]cached" if row.state == "cached" else bar
        table.add_row(MARKS.get(row.step.status, ""), row.step.stage, state, note[:60], seconds)
    table.add_row("", "", "", "", _clock(time.monotonic() - watched.started))
    return table


@contextmanager
def _lines(watched: Watched, out: TextIO) -> Iterator[None]:
    """Print a line when a step starts, ends, or has gone another quarter of its way."""
    ended = threading.Event()

    def follow() -> None:
        told: set[tuple[str, str]] = set()
        while True:
            last = ended.wait(REFRESH_SECONDS)
            for row in watched.rows():
                for event in _events(row):
                    if (row.step.stage, event) not in told:
                        told.add((row.step.stage, event))
                        since = _clock(time.monotonic() - watched.started)
                        print(f"{since}  {row.step.stage:<16} {event}", file=out, flush=True)
            if last:
                return

    def follow_while_read() -> None:
        with suppress(BrokenPipeError):  # the run goes on though nobody reads what it says
            follow()

    print(f"run {watched.run.name}", file=out, flush=True)
    thread = threading.Thread(target=follow_while_read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _events(row: ShownStep) -> Iterator[str]:
    if row.state == "running":
        yield "started"
        if row.total and 0 < row.done < row.total and (quarter := 4 * row.done // row.total):
            yield f"{25 * quarter}%"
    elif row.state == "succeeded":
        yield f"done in {row.seconds:.1f} s"
    elif row.state != "not run":
        yield row.state


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
