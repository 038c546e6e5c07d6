"""A run's folder: opened at its start, and the report at its end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from videmo.llm.client import EndpointError
from videmo.pipeline.dag import TABLE
from videmo.pipeline.step import Run, RunJson, recorded
from videmo.settings.params import Params, check_params
from videmo.settings.sections import GateSettings
from videmo.stages.files import whole_file, write_json
from videmo.stages.logs import captured_output
from videmo.stages.step_record import StepRecord


def write_run_report(params: dict[str, object], run: RunJson) -> Path:
    """metrics.json and report.html from whatever steps succeeded. Returns the path of the page."""
    this = Run(**run)
    with captured_output(this.folder / "logs" / "report.log"), recorded(this, StepRecord("report", "", "")) as record:
        from videmo.evaluation.report import write_report

        settings, steps = check_params(params), [step for step in this.steps() if not TABLE[step.stage].concludes]
        keep_registered(this, settings, steps)
        page = write_report(this.folder, settings, steps, this.failed())
        _log_outcome(this)
        record.append(False)
    return page


def keep_registered(run: Run, params: Params, steps: Sequence[StepRecord]) -> None:
    """Save the figures of registered models for the report, which is made without them if they are not available."""
    from mlflow.exceptions import MlflowException

    from videmo.registry.comparison import registered_figures

    view = GateSettings.of(params, "gate")
    found = {step.stage: Path(step.output) for step in steps if step.status == "succeeded"}
    if found.keys() >= set(TABLE["gate"].inputs) and not (run.folder / "registered.json").exists():
        try:
            write_json(run.folder / "registered.json", registered_figures(view, found))
        except (EndpointError, MlflowException) as error:
            print(f"the report has no registered models: {error}")


def _log_outcome(run: Run) -> None:
    """Log the outcome of the run to its MLflow run."""
    from videmo.registry.tracking import connect, pipeline_run

    client = connect()
    logged = pipeline_run(client, run.name)
    for path in (run.folder / "report.html", run.folder / "metrics.json", run.folder / "outputs/gate/verdict.json"):
        if path.exists():
            client.log_artifact(logged, str(path))


def open_run(run: Run, params: Params, origins: Mapping[str, str] | None = None) -> None:
    """Make the run's folder with its params as resolved, no records of an earlier run, and the link `latest`."""
    for folder in ("steps", "logs"):
        (run.folder / folder).mkdir(parents=True, exist_ok=True)
    for stale in ("steps/*.json", "logs/*.log", "registered.json", "metrics.json", "report.html", "concluded.json"):
        for path in run.folder.glob(stale):
            path.unlink()
    shutil.rmtree(run.folder / "outputs", ignore_errors=True)
    save_params(run, params, origins)
    latest = run.folder.with_name("latest")
    with whole_file(latest) as link:
        link.symlink_to(run.name)


def save_params(run: Run, params: Params, origins: Mapping[str, str] | None = None) -> None:
    """Write the settings of a run as resolved, and the file or option that each came from."""
    run.folder.mkdir(parents=True, exist_ok=True)
    resolved = yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False)
    (run.folder / "params.yaml").write_text(resolved, encoding="utf-8")
    if origins:
        told = yaml.safe_dump(dict(origins), sort_keys=False)
        (run.folder / "params-origins.yaml").write_text(told, encoding="utf-8")
