"""A run on this machine through kfp.local: steps as subprocesses, a live display, and an orderly end."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from io import TextIOBase
from pathlib import Path

from videmo.kubeflow.display import showing
from videmo.kubeflow.pipeline_file import PipelineFile
from videmo.kubeflow.step_processes import StepServer, needed, steps_placed
from videmo.pipeline.dag import PlannedStep, plan
from videmo.pipeline.gate_and_report import open_run, write_run_report
from videmo.pipeline.nothing_to_do import conclude, last_run_like
from videmo.pipeline.run_names import held_name
from videmo.pipeline.step import Run
from videmo.pipeline.stopping import end_children, stoppable
from videmo.settings.params import Params
from videmo.stages.digest import code_read_once
from videmo.stages.errors import error_line
from videmo.stages.report import STOPPED
from videmo.stages.store import home

DISK_FULL = 2**20  # bytes; with less free space the disk counts as full


def run_here(
    pipeline: PipelineFile, params: Params, name: str | None, fresh: bool, origins: Mapping[str, str] | None = None
) -> int:
    """Run the pipeline. Returns the exit code: 0, 1 if a step failed, 130 if the user stopped it.

    The store is the only cache: kfp's local cache does not notice changes of the package's code or of the store.
    """
    with code_read_once():
        planned = plan(params)
        repeats = name is None and not fresh and not pipeline.has_other_steps()
        digest = pipeline.digest
        if repeats and (last := last_run_like(digest, pipeline.stages, planned)):
            print(f"nothing to do: every step is in the store, and the registry is as run {last.name} left it")
            _print_outcome(last)
            return 0
        with held_name(name) as held:
            run = Run(held, fresh)
            open_run(run, params, origins)
            code = _run(pipeline, params, planned, run)
            if code == 0:
                conclude(run, digest, pipeline.stages, planned)
            return code


def _run(pipeline: PipelineFile, params: Params, planned: Sequence[PlannedStep], run: Run) -> int:
    arguments = pipeline.arguments(params, run.name, run.fresh)
    pipeline.keep_local()
    log = run.folder / "logs" / "pipeline.log"
    imports = needed(pipeline.stages, planned, run)
    server = StepServer(log, imports)
    if imports:
        server.start()
    with stoppable():
        try:
            with showing(run, pipeline.stages, planned, sys.stdout), quiet(log):
                failure = _start(pipeline, arguments, run, steps_placed(run, planned, server))
        except KeyboardInterrupt:
            end_children()
            _settle(run, STOPPED)
            _report(run, params)
            _print_outcome(run)
            print("stopped; run the same command again to continue from the last checkpoint")
            return 130
    _settle(run, _cause_of_silent_end())
    if not (run.folder / "report.html").exists() and pipeline.stages:
        _report(run, params)
    _print_outcome(run)
    return _print_failure(run, failure) if failure else 0


def _start(
    pipeline: PipelineFile, arguments: dict[str, object], run: Run, placed: AbstractContextManager[None]
) -> str | None:
    """Run to the end. Returns kfp's message if it fails, or None."""
    from kfp import local

    runner = local.SubprocessRunner(use_venv=False)
    local.init(runner, pipeline_root=str(run.folder / "artifacts"), raise_on_error=True, enable_caching=False)
    try:
        with placed:
            pipeline.function(**arguments)
    except RuntimeError as error:  # of kfp, about a step
        return re.sub(r"\x1b\[\d*m", "", str(error))
    except Exception as error:
        traceback.print_exc()  # into the log
        return error_line(error)
    return None


def _report(run: Run, params: Params) -> None:
    """Write the report of a run that ended before its report step."""
    with (
        quiet(run.folder / "logs" / "report.log"),
        suppress(Exception),
    ):  # must not hide why the run failed
        write_run_report(params.model_dump(mode="json"), {"name": run.name})


@contextmanager
def quiet(log: Path) -> Iterator[None]:
    """Redirect what kfp and the steps print to `log`."""
    with (
        Sink(log) as sink,
        redirect_stdout(sink),
        redirect_stderr(sink),
        warnings.catch_warnings(action="ignore"),
    ):
        yield


class Sink(TextIOBase):
    """A log file that drops text when the disk is full instead of raising an error."""

    def __init__(self, log: Path):
        self._file = log.open("a", encoding="utf-8", buffering=1)  # the steps' processes write there too

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
        super().close()


def _settle(run: Run, error: str) -> None:
    """Mark steps that are still recorded as running as failed: the run is over."""
    for step in run.steps():
        if step.status == "running":
            with suppress(OSError):  # a full disk
                run.record(replace(step, status="failed", error=error))


def _cause_of_silent_end() -> str:
    """Why a step may have ended without recording an error."""
    if shutil.disk_usage(home()).free < DISK_FULL:
        return f"no space left on the disk of {home()}"
    return "the process was killed; the machine may be out of memory"


def _print_outcome(run: Run) -> None:
    """Print the scores, the gate's verdict and the path of the report."""
    metrics, page = (run.folder / name for name in ("metrics.json", "report.html"))
    if metrics.exists():
        scores = json.loads(metrics.read_text(encoding="utf-8"))
        for model, mean in scores["mean15"].items():
            measured = sum(score is not None for score in scores["face15"][model].values())
            print(f"{model:<15} mean of {measured} tasks {mean:5.1f}" if measured else f"{model:<15} nothing measured")
        if verdict := scores["verdict"]:
            champion = verdict["passed"] and not run.failed()
            print(f"verdict: {'champion' if champion else 'not promoted'}, {verdict['reason']}")
    if page.exists():
        print(f"report: {_shown(page)}")


def _print_failure(run: Run, failure: str) -> int:
    failed = run.failed()
    for step in failed:
        print(f"{step.stage} failed: {step.error}\n  log: {_shown(run.folder / 'logs' / f'{step.stage}.log')}")
    if not failed:
        cause = _cause_of_silent_end() if shutil.disk_usage(home()).free < DISK_FULL else failure
        print(f"{cause}\n  log: {_shown(run.folder / 'logs' / 'pipeline.log')}")
    return 1


def _shown(path: Path) -> str:
    return os.path.relpath(path)
