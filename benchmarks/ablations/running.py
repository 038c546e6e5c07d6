"""Steps side by side, each in a process of its own, forked from one that has imported everything: it starts at once,
and frees its memory when it ends."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

from benchmarks.ablations.steps import Step
from videmo.pipeline.dag import Stage
from videmo.pipeline.step import discard, execute, run_lock
from videmo.settings.params import Params
from videmo.stages.logs import captured_output

WORKERS = multiprocessing.get_context("forkserver")
# Where there is a GPU, nothing that might touch it may be imported before the fork.
LIGHT = ["videmo.training.sft", "videmo.training.tree_rl", "videmo.evaluation.answer_stage", "videmo.tree.zhang_shasha"]


@dataclass(frozen=True)
class Task:
    """A step and where its process prints to."""

    name: str
    step: Step
    log: Path


def get_ready(log: Path) -> None:
    """Start the process that the others are forked from; what it prints while it imports goes to `log`."""
    import torch

    WORKERS.set_forkserver_preload(LIGHT if torch.cuda.is_available() else [*LIGHT, "deepspeed"])
    with captured_output(log, shown=False):
        forkserver.ensure_running()


def make_all(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, float]]:
    """Make the outputs of all tasks, `jobs` at a time, each as soon as what it reads is there; yields every task when
    it is done, with the seconds it took, 0 for one that was there.

    tasks: with all that they read among them.  Raises RuntimeError with the name of the task that failed; those that
    run beside it end first.
    """
    waiting, made = list(tasks), set[Path]()
    running: dict[Future[float], Task] = {}
    pool = ThreadPoolExecutor(jobs)
    try:
        while waiting or running:
            ready = [task for task in waiting if all(source.output in made for source in task.step.inputs)]
            for task in ready[: jobs - len(running)]:
                waiting.remove(task)
                running[pool.submit(make, task.step, task.log, jobs)] = task
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                if error := future.exception():
                    wait(running)
                    raise RuntimeError(f"{task.name} failed: {error}\n  log: {os.path.relpath(task.log)}") from error
                made.add(task.step.output)
                yield task, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def make(step: Step, log: Path, jobs: int = 1) -> float:
    """Make the output of a step, going on from what a killed run left of it; the seconds it took, 0 where it was there.

    jobs: how many steps share the machine.  Another run that makes the same output is waited for. Raises RuntimeError
    with the last line of the log where the step fails, and where the code has changed since the digest was made:
    processes that were forked run the old one.
    """
    started = time.monotonic()
    with run_lock(step.output):
        if step.done:
            return 0.0
        if not step.current:
            raise RuntimeError("the code has changed meanwhile; run the same command again to use the new code")
        if step.output.exists():  # damaged
            discard(step.output)
        inputs = {source.stage.name: source.output for source in step.inputs}
        process = WORKERS.Process(target=_work, args=(step.stage, step.params, inputs, step.output, log, jobs))
        process.start()
        process.join()
        if not step.done:
            raise RuntimeError(_last_line(log) or f"ended with {process.exitcode}; was there enough memory?")
    return time.monotonic() - started


def _work(stage: Stage, params: Params, inputs: Mapping[str, Path], output: Path, log: Path, jobs: int) -> None:
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // jobs))
    try:
        with captured_output(log, shown=False):
            execute(stage, params, inputs, output)
    except BaseException:  # it is in the log
        raise SystemExit(1) from None


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else ""
