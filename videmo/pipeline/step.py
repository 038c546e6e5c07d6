"""One step of a run: look the digest up in the store, run the stage if it is not there, leave a record and a log."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import NotRequired, TypedDict

from filelock import FileLock

from videmo.pipeline.dag import TABLE, PlannedStep, Stage, digest_for, plan
from videmo.pipeline.reasons import few
from videmo.settings.errors import SettingError
from videmo.settings.params import Params, check_params
from videmo.stages.adoption import adopt
from videmo.stages.damage import check_inputs
from videmo.stages.errors import error_line
from videmo.stages.files import write_json
from videmo.stages.logs import captured_output
from videmo.stages.report import StageReport, faults, read_manifest
from videmo.stages.step_record import StepRecord
from videmo.stages.store import output_of, partial_of, run_folder, run_output_of, stage_lock


class RunJson(TypedDict):
    """A run as a pipeline hands it to its steps."""

    name: str
    fresh: NotRequired[bool]


@dataclass(frozen=True)
class Run:
    """One execution of the DAG: its name, its folder, and whether outputs in the store are made again (`fresh`)."""

    name: str
    fresh: bool = False

    @property
    def folder(self) -> Path:
        return run_folder(self.name)

    def record(self, step: StepRecord) -> None:
        path = self.folder / "steps" / f"{step.stage}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(step))  # whole, or as it was: readers look while it changes, and disks fill up

    def steps(self) -> list[StepRecord]:
        """The records of all steps in the order of the table; a step without one has not run, and is left out where it
        is optional."""
        found = ((row, self._step(row.name)) for row in TABLE.values())
        return [step or _not_run(row) for row, step in found if step or not row.optional]

    def failed(self) -> list[StepRecord]:
        """The records of what failed."""
        return [step for step in self.steps() if step.status == "failed"]

    def _step(self, stage: str) -> StepRecord | None:
        try:
            return StepRecord(**json.loads((self.folder / "steps" / f"{stage}.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):  # none yet, or just being written
            return None


def _not_run(row: Stage) -> StepRecord:
    return StepRecord(row.name, "", "", list(row.inputs), status="not run")


def run_step(stage: str, params: dict[str, object], run: RunJson, inputs: Sequence[str] = ()) -> StageReport:
    """A step of Kubeflow Pipelines: `inputs` are the paths of the manifests of the stage's inputs, in any order."""
    outputs = [read_manifest(path) for path in inputs]
    found = {StageReport.read(output).stage: output for output in outputs}
    return run_stage(stage, check_params(params), Run(**run), found)


def run_stage(name: str, params: Params, run: Run, inputs: Mapping[str, Path] | None = None) -> StageReport:
    """Run a stage, or find its output in the store. Without `inputs`, they are the outputs that the plan names."""
    stage = TABLE[name]
    found = planned_inputs(stage, params, run) if inputs is None else inputs
    digests = {source: StageReport.read(found[source]).digest for source in stage.inputs}
    digest = digest_for(stage, params, digests)
    output = output_of(name, digest) if stage.reusable else run_output_of(run.name, name)
    with recorded(run, StepRecord(name, digest, str(output), list(stage.inputs))) as record, run_lock(output):
        if stage.reusable:
            adopt(name, digest)
        damaged = faults(output) if output.exists() else []
        if damaged:
            print(f"{output}: damaged ({few(damaged)}); removed, and made again")
        if run.fresh or not stage.reusable or damaged:
            discard(output)
        cached = output.exists()
        silent = cached and _is_logged(StageReport.read(output))  # nothing is left to do that could print
        with nullcontext() if silent else captured_output(run.folder / "logs" / f"{name}.log"):
            report = StageReport.read(output) if cached else _make(stage, params, found, output)
            _log(report, run)
        record.append(cached)
    return report


def run_lock(output: Path) -> FileLock:
    """Held by the one run that works on an output; the stage, maybe in another process, takes its own lock inside."""
    return stage_lock(output.with_name(output.name + ".run"))


def planned_inputs(stage: Stage, params: Params, run: Run) -> dict[str, Path]:
    """Where the inputs of a stage lie. Raises SettingError naming the stage that has to run first."""
    planned = {step.stage: step for step in plan(params)}
    return {source: _planned_input(stage, planned[source], run) for source in stage.inputs}


def _planned_input(stage: Stage, source: PlannedStep, run: Run) -> Path:
    if TABLE[source.stage].reusable:
        output, state = output_of(source.stage, source.digest), "not in the store"
    else:
        output, state = run_output_of(run.name, source.stage), f"not in the run {run.name}"
    if source.reason.startswith("damaged"):
        state = "damaged"
    if not source.cached and (TABLE[source.stage].reusable or not output.exists()):
        raise SettingError(f"{stage.name} needs the output of {source.stage}, which is {state}: run it first")
    return output


def discard(output: Path) -> None:
    """Remove an output and what is left of an unfinished one; never leaves half of one under its name."""
    removed = output.with_name(output.name + ".removed")
    for path in (output, partial_of(output)):
        if path.exists():
            shutil.rmtree(removed, ignore_errors=True)
            os.rename(path, removed)
            shutil.rmtree(removed)


def _make(stage: Stage, params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Run a stage. Where it fails on damaged inputs, the error names what to remove."""
    try:
        return execute(stage, params, inputs, output)
    except Exception:
        check_inputs(inputs[name] for name in stage.inputs)
        raise


def execute(stage: Stage, params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Run a stage on those of `inputs` that its row names, in as many processes as it takes."""
    own = {name: inputs[name] for name in stage.inputs}
    if stage.distributed and params.execution.processes > 1:
        from videmo.pipeline.launch import run_in_processes

        return run_in_processes(stage, params, own, output)
    module = import_module(stage.module)
    report: StageReport = module.run(stage.settings_of(params), own, output, **stage.arguments)
    return report


def _is_logged(report: StageReport) -> bool:
    mark = _logged_mark(report)
    return mark.exists() and mark.read_text() == str(report.seconds)


def _log(report: StageReport, run: Run) -> None:
    """Log a finished stage to MLflow; an output whose logging failed is logged by the next run that finds it."""
    if not _is_logged(report):
        from videmo.registry.tracking import log_stage

        log_stage(report, run.name)
        _logged_mark(report).write_text(str(report.seconds))


def _logged_mark(report: StageReport) -> Path:
    return report.output.with_name(f".{report.output.name}.logged")


@contextmanager
def recorded(run: Run, step: StepRecord) -> Iterator[list[bool]]:
    """Keep the step's record up to date; the body appends whether the output was cached."""
    started = time.monotonic()
    run.record(step)
    cached: list[bool] = []
    try:
        yield cached
    except BaseException as error:
        message = error_line(error)
        run.record(replace(step, status="failed", seconds=_since(started), error=message))
        raise
    run.record(replace(step, status="succeeded", seconds=_since(started), cached=cached[0]))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)
