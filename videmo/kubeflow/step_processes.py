"""Which process runs a step of a local run.

A step whose output is in the store takes this one: there is nothing to do but to say so. Steps of the data start as
kfp.local starts them, and so do all steps once the code is edited. All others are forked from a process that has
imported torch and MLflow already, which takes ten seconds of every process that does it. It works on one step at a
time: of steps at the same moment (dsl.ParallelFor) the others start as kfp.local starts them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from videmo.kubeflow.pipeline_file import STEP
from videmo.kubeflow.step_server import DONE, MODELS, REGISTRY, run_component
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run
from videmo.stages.store import output_of

PACKAGE = Path(__file__).parents[1]
UNSERVED = ("data_build", "data_validation")  # they need none of it, and would wait for it


class StepServer:
    """The process that steps are forked from: videmo.kubeflow.step_server. It starts with the first step, or at
    `start`."""

    def __init__(self, log: Path, needed: Sequence[str]):
        """log: the file for what steps print.  needed: what to import, REGISTRY or MODELS or both."""
        self._command = [sys.executable, "-m", "videmo.kubeflow.step_server", str(log), *needed]
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._started = 0.0
        self._working = Lock()

    def start(self) -> subprocess.Popen[str]:
        """The process, anew if it has ended."""
        if self._process is None or self._process.poll() is not None:
            self._started = time.time()
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
                )
        return self._process

    def work(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Run a step by its command. Returns whether it succeeded; a server that was killed is replaced by a new
        one."""
        self._working.acquire()  # and not released by an interrupt, see `end`
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            print(json.dumps({"command": [*command], "environment": {**environment}}), file=process.stdin, flush=True)
            said = process.stdout.readline()
        except BrokenPipeError:
            said = ""
        if not said:
            process.wait()
            self._process = None
        self._working.release()
        return said.strip() == DONE

    def works(self) -> bool:
        """Whether it works on a step."""
        return self._working.locked()

    def is_outdated(self) -> bool:
        """Whether the code was edited since it started, so that it may have imported what was there before."""
        return self._process is not None and written_since(PACKAGE, self._started)

    def end(self) -> None:
        """Let the server go. One that is still working, as the run was interrupted, is left to `end_children`, which
        finds a step only below its server."""
        if self._process is not None and not self.works():
            self._process.terminate()
            self._process.wait()
        self._process = None


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
            elif _is_served(name) and not server.is_outdated() and not server.works():
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


def needed(stages: Sequence[str], plan: Sequence[PlannedStep], run: Run) -> list[str]:
    """What the steps need that the server works on, if there are any. If all their outputs are in the store, only what
    asks the registry, as every run does."""
    served = [step for step in plan if step.stage in stages and _is_served(step.stage)]
    cached = not run.fresh and all(step.cached for step in served if TABLE[step.stage].reusable)
    return [] if not served else [REGISTRY] if cached else [REGISTRY, MODELS]


def _is_served(step: str) -> bool:
    return step in TABLE and step not in UNSERVED


def written_since(package: Path, moment: float) -> bool:
    """Whether a Python file below `package` was written after `moment`, in seconds since the epoch."""
    return any(path.stat().st_ctime > moment for path in package.rglob("*.py"))
