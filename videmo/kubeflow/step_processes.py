"""Which process runs a step of a local run.

A step whose output is in the store takes this one: there is nothing to do but to say so. Steps of the data start as
kfp.local starts them. All others are forked from a process that has imported torch and MLflow already, which takes ten
seconds of every process that does it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from videmo.kubeflow.pipeline_file import STEP
from videmo.kubeflow.step_server import DONE, run_component
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run
from videmo.stages.store import output_of

UNSERVED = ("data_build", "data_validation")  # they need none of it, and would wait for it


class StepServer:
    """The process that steps are forked from: videmo.kubeflow.step_server, which starts with the first request."""

    def __init__(self, log: Path):
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def prepare(self, needed: str) -> None:
        """Let the server import what steps need: REGISTRY or MODELS."""
        self._ask({"import": needed})

    def work(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Run a step by its command. Returns whether it succeeded; a server that was killed is replaced by a new
        one."""
        try:
            said = self._ask({"command": list(command), "environment": dict(environment)}).readline()
        except BrokenPipeError:
            said = ""
        if not said and self._process is not None:
            self._process.wait()
            self._process = None
        return said.strip() == DONE

    def end(self) -> None:
        """Let the server go; it ends when it has nothing more to do."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process = None

    def _ask(self, request: Mapping[str, object]) -> IO[str]:
        """Send a request. Returns the stream that the answer comes from."""
        if self._process is None:
            with self._log.open("ab") as log:
                command = [sys.executable, "-m", "videmo.kubeflow.step_server", str(self._log)]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._process.stdout


@contextmanager
def steps_placed(run: Run, plan: Sequence[PlannedStep], server: StepServer) -> Iterator[None]:
    """Make kfp.local run each step in the process chosen here until the block ends."""
    from kfp.local import status, subprocess_task_handler

    stock = subprocess_task_handler.SubprocessTaskHandler
    cached = {step.stage: output_of(step.stage, step.digest) for step in plan if step.cached and not run.fresh}

    class Handler(subprocess_task_handler.SubprocessTaskHandler):
        def run(self) -> status.Status:
            name = self.env_vars.get(STEP, "")
            if name in cached and cached[name].exists():
                succeeded = run_component(self.full_command)
            elif name in TABLE and name not in UNSERVED:
                succeeded = server.work(self.full_command, self.env_vars)
            else:
                return super().run()
            return status.Status.SUCCESS if succeeded else status.Status.FAILURE

    subprocess_task_handler.SubprocessTaskHandler = Handler  # kfp.local has no place to plug one in
    try:
        yield
    finally:
        subprocess_task_handler.SubprocessTaskHandler = stock
        server.end()


def needs_models(stages: Sequence[str], plan: Sequence[PlannedStep], run: Run) -> bool:
    """Whether anything is to be made: all but the steps that ask the registry, which every run does."""
    makes = [step for step in plan if step.stage in stages and TABLE[step.stage].reusable]
    return run.fresh or any(not step.cached for step in makes)
