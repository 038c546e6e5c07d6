"""Which process runs a step of a local run.

A step whose output is in the store takes this one: there is nothing to do but to say so. Steps that ask the registry
share one, as importing MLflow takes longer than all that they do. Every other step has a process of its own, as a step
on a cluster has a container of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from videmo.kubeflow.pipeline_file import STEP
from videmo.kubeflow.shared_process import DONE, run_component
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run
from videmo.stages.store import output_of


class SharedProcess:
    """A process that works on one step after the other; it starts with the first, or at `start`."""

    def __init__(self, log: Path):
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        if self._process is None:
            with self._log.open("ab") as log:
                command = [sys.executable, "-m", "videmo.kubeflow.shared_process", str(self._log)]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )
        return self._process

    def work(self, command: Sequence[str]) -> bool:
        """Run a step by its command. Returns whether it succeeded; a process that was killed is replaced by a new
        one."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            print(json.dumps(list(command)), file=process.stdin, flush=True)
            said = process.stdout.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            process.wait()
            self._process = None
        return said.strip() == DONE

    def end(self) -> None:
        """Let the process go; it ends when it has nothing more to do."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process = None


@contextmanager
def steps_placed(run: Run, plan: Sequence[PlannedStep], shared: SharedProcess) -> Iterator[None]:
    """Make kfp.local run each step in the process chosen here until the block ends."""
    from kfp.local import status, subprocess_task_handler

    stock = subprocess_task_handler.SubprocessTaskHandler
    cached = {step.stage: output_of(step.stage, step.digest) for step in plan if step.cached and not run.fresh}

    class Handler(subprocess_task_handler.SubprocessTaskHandler):
        def run(self) -> status.Status:
            name = self.env_vars.get(STEP, "")
            if name in cached and cached[name].exists():
                succeeded = run_component(self.full_command)
            elif asks_registry(name):
                succeeded = shared.work(self.full_command)
            else:
                return super().run()
            return status.Status.SUCCESS if succeeded else status.Status.FAILURE

    subprocess_task_handler.SubprocessTaskHandler = Handler  # kfp.local has no place to plug one in
    try:
        yield
    finally:
        subprocess_task_handler.SubprocessTaskHandler = stock
        shared.end()


def asks_registry(step: str) -> bool:
    """Whether a step acts on the registry or the run's folder, so that every run works on it."""
    return step in TABLE and not TABLE[step].reusable


def nothing_to_make(stages: Sequence[str], plan: Sequence[PlannedStep], run: Run) -> bool:
    """Whether only steps remain that ask the registry."""
    makes = [step for step in plan if step.stage in stages and not asks_registry(step.stage)]
    return not run.fresh and all(step.cached for step in makes)
