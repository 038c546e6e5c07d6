"""One stage in several processes: the first writes the output, the others follow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from torch import distributed as dist

from videmo.stages.report import StageReport
from videmo.stages.store import partial_of
from videmo.stages.work import Work, stage_directory
from videmo.training.checkpoint import CHECKPOINTS, refuse_others

if TYPE_CHECKING:
    from videmo.settings.sections import StageSettings


class Follower(Work):
    """The work of a process other than the first: it trains but writes nothing."""

    def __init__(self, output: Path):
        self.path = partial_of(output)
        self._output = output

    def log(self, step: int, **values: float) -> None: ...

    def rewind(self, step: int) -> None: ...

    def progress(self, done: int, total: int, note: str = "") -> None: ...

    def finish(self, metrics: Mapping[str, float] | None = None) -> StageReport:
        """The report of the first process, once it is written."""
        dist.barrier()
        return StageReport.read(self._output)


@contextmanager
def training_directory(output: Path, module: str, params: StageSettings, inputs: Mapping[str, Path]) -> Iterator[Work]:
    """`stage_directory` for a stage that torchrun may have started several times over.

    Raises ValueError if execution.processes is not the number that was started, or if `output` was begun with another
    one: a new start would silently throw that work away.
    """
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if params.execution.processes != started:
        raise ValueError(
            f"execution.processes = {params.execution.processes}: {started} started; start the stage by "
            f"torchrun --nproc-per-node {params.execution.processes}, or set execution.processes = {started}"
        )
    if int(os.environ.get("RANK", "0")):
        yield Follower(output)
        return
    refuse_others(partial_of(output) / CHECKPOINTS, params.execution)
    with stage_directory(output, module, params, inputs) as work:
        yield work
    if started > 1:
        dist.barrier()
