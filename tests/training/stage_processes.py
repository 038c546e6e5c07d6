"""Stages in real processes of their own, forked from one that has imported everything and so started in no time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from default_settings import params_with

from videmo.settings.sections import SftSettings, TreeRlSettings

SEES = {"videmo.training.sft": SftSettings, "videmo.training.tree_rl": TreeRlSettings}
SECONDS = 120  # after which a stage hangs
SERVER = multiprocessing.get_context("forkserver")
# Where there is a GPU, nothing that might touch it may be imported before the fork.
LIGHT = ["videmo.training.tree_rl", "videmo.training.sft", "videmo.tree.zhang_shasha"]
SERVER.set_forkserver_preload(LIGHT if torch.cuda.is_available() else [*LIGHT, "deepspeed"])


@dataclass(frozen=True)
class Task:
    """A stage, its settings, inputs and output."""

    module: str
    settings: dict
    inputs: dict[str, Path]
    output: Path
    arguments: dict = field(default_factory=dict)

    @property
    def processes(self) -> int:
        return self.settings.get("execution", {}).get("processes", 1)

    @property
    def partial(self) -> Path:
        return self.output.with_name(self.output.name + ".partial")

    def rows(self) -> int:
        """Of metrics that are on disk while the stage is at work."""
        metrics = self.partial / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def run(self, environment: dict[str, str]) -> None:
        os.environ.update(environment)
        torch.set_num_threads(1)
        settings = SEES[self.module].of(params_with(self.settings), self.output.name, **self.arguments)
        import_module(self.module).run(settings, self.inputs, self.output, **self.arguments)


def start(task: Task) -> list[BaseProcess]:
    """As torchrun would: as many processes as the settings say, each with its rank in its environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ranks = {"WORLD_SIZE": str(task.processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    environments: list[dict[str, str]] = [
        {**ranks, "RANK": str(rank), "LOCAL_RANK": str(rank)} if task.processes > 1 else {}
        for rank in range(task.processes)
    ]
    started = [SERVER.Process(target=task.run, args=(environment,), daemon=True) for environment in environments]
    for process in started:
        process.start()
    return started


def complete(task: Task) -> None:
    """Run the stage to its end."""
    started = start(task)
    wait(started)
    assert [process.exitcode for process in started] == [0] * task.processes
    assert (task.output / "stage.json").exists()


def kill_when(task: Task, due: Callable[[], bool], ranks: Sequence[int] | None = None) -> None:
    """Start the stage and end those processes (all by default) with SIGKILL as soon as `due`; the others end of it."""
    started = start(task)
    doomed = started if ranks is None else [started[rank] for rank in ranks]
    while not due() and all(process.is_alive() for process in started):
        time.sleep(0.002)
    for process in doomed:
        os.kill(process.pid, signal.SIGKILL)
    wait(started)
    assert all(process.exitcode == -signal.SIGKILL for process in doomed), "the stage ended before it could be killed"
    assert not task.output.exists()


def wait(started: Sequence[BaseProcess]) -> None:
    until = time.monotonic() + SECONDS
    for process in started:
        process.join(max(until - time.monotonic(), 0))
    for process in started:
        if process.is_alive():
            process.kill()
            process.join()
