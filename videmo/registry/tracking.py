"""Stages in MLflow: a run for each, below that of the pipeline; on SQLite unless MLFLOW_TRACKING_URI says otherwise."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from filelock import FileLock

from videmo.settings.errors import SettingError
from videmo.stages.content import file_digest
from videmo.stages.files import UNFINISHED
from videmo.stages.report import StageReport
from videmo.stages.store import home

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

EXPERIMENT = "videmo"
SQLITE = "sqlite:///"
BATCH = 1000  # metrics in one request, MLflow's limit
PARAM_LENGTH = 6000  # characters of a parameter's value, MLflow's limit


def tracking_uri() -> str:
    check_tracking()
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{home().resolve() / 'mlflow' / 'mlflow.db'}"


def check_tracking() -> None:
    """Raise SettingError if MLflow would open another file than the registry's.

    Its SQLite takes what follows a ? in a path as options, and % as the start of an escape.
    """
    if {"%", "?"} & set(str(home())) and not os.environ.get("MLFLOW_TRACKING_URI"):
        raise SettingError(f"{home()}: MLflow's SQLite cannot open a path with % or ?; set VIDEMO_HOME to another")


def missing_database() -> bool:
    """Whether there is nothing yet to connect to: a SQLite file that no run has made."""
    uri = tracking_uri()
    return uri.startswith(SQLITE) and not _file_of(uri).exists()


def registry_digest() -> str | None:
    """The sha256 of the SQLite file that everything is in; None if there is none, or a server has it."""
    uri = tracking_uri()
    there = uri.startswith(SQLITE) and not missing_database()
    return file_digest(_file_of(uri)) if there else None


def connect() -> MlflowClient:
    """A client of the tracking server and registry."""
    uri = tracking_uri()
    mlflow = import_mlflow()
    mlflow.set_tracking_uri(uri)
    if uri.startswith(SQLITE):
        _make_database(_file_of(uri))
    return mlflow.MlflowClient()


def import_mlflow() -> ModuleType:
    """MLflow, with its own log messages off, and what it keeps its data with."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    import mlflow

    if tracking_uri().startswith(SQLITE):
        import mlflow.store.model_registry.sqlalchemy_store
        import mlflow.store.tracking.sqlalchemy_store
    for chatty in ("mlflow", "alembic"):  # importing mlflow sets its own level
        logging.getLogger(chatty).setLevel(logging.ERROR)
    return mlflow


def _file_of(uri: str) -> Path:
    return Path(uri.removeprefix(SQLITE)).resolve()


def _make_database(path: Path) -> None:
    """Make the SQLite file if there is none: whole or not at all, by one process.

    MLflow makes its tables one by one in the file itself: a kill, or a second run that starts meanwhile, would leave a
    database that can no longer be opened.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        if not path.exists():
            new = path.with_name(f"{path.name}{UNFINISHED}")
            for stale in path.parent.glob(f"{new.name}*"):  # its journal too
                stale.unlink()
            SqlAlchemyStore(SQLITE + str(new), (path.parent / "artifacts").as_uri()).engine.dispose()
            new.replace(path)


def log_stage(report: StageReport, run_name: str) -> str:
    """Log a finished stage below the pipeline run `run_name`; the same output of a stage is logged there once.

    Parameters are the config sections; metrics the stage's own, and its rows over steps as `step.<name>`. Returns the
    id of the MLflow run.
    """
    from mlflow.entities import Param, RunTag

    client = connect()
    parent = pipeline_run(client, run_name)
    logged = _child(client, parent, report.stage, report.digest)
    if logged:
        return logged
    tags = {"mlflow.parentRunId": parent, "videmo.kind": "stage", "videmo.digest": report.digest}
    run = client.create_run(experiment_id(client), run_name=report.stage, tags=tags)
    run_id = run.info.run_id
    inputs = [RunTag(f"videmo.input.{name}", digest) for name, digest in report.inputs.items()]
    params = [Param(name, value[:PARAM_LENGTH]) for name, value in flat(report.config)]
    client.log_batch(run_id, params=params, tags=inputs)
    for batch in _batches(_metrics(report)):
        client.log_batch(run_id, metrics=batch)
    if "data" in report.config:
        _log_dataset(client, run_id, report)
    client.set_terminated(run_id)
    return run_id


def pipeline_run(client: MlflowClient, run_name: str) -> str:
    """The id of the parent run of the pipeline run `run_name`, made if there is none."""
    key = run_name.replace("'", "_").replace("\\", "_")  # a search has no way to escape them
    found = _search(client, f"tags.`videmo.kind` = 'pipeline' and tags.`videmo.run` = '{key}'")
    if found:
        return found
    tags = {"videmo.kind": "pipeline", "videmo.run": key}
    run_id = client.create_run(experiment_id(client), run_name=run_name, tags=tags).info.run_id
    client.set_terminated(run_id)
    return run_id


def experiment_id(client: MlflowClient) -> str:
    """The experiment of the project, made if there is none; beside a SQLite file lie its artifacts."""
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    uri = tracking_uri()
    local = _file_of(uri).parent / "artifacts" if uri.startswith(SQLITE) else None
    try:
        return client.create_experiment(EXPERIMENT, artifact_location=local.as_uri() if local else None)
    except MlflowException:  # another process was faster
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise
        return found.experiment_id


def _child(client: MlflowClient, parent: str, stage: str, digest: str) -> str | None:
    return _search(
        client,
        f"tags.`mlflow.parentRunId` = '{parent}' and tags.`videmo.digest` = '{digest}' "
        f"and attributes.run_name = '{stage}' and attributes.status = 'FINISHED'",
    )


def _search(client: MlflowClient, condition: str) -> str | None:
    runs = client.search_runs([experiment_id(client)], condition, max_results=1)
    return runs[0].info.run_id if runs else None


def flat(config: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)


def _metrics(report: StageReport) -> Iterator[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    for name, value in {**report.metrics, "seconds": report.seconds}.items():
        yield Metric(name, value, now, 0)
    rows = report.output / "metrics.jsonl"
    if rows.exists():
        for line in rows.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            step = row.pop("step")
            yield from (Metric(f"step.{name}", value, now, step) for name, value in row.items() if value is not None)


def _batches(metrics: Iterable[Metric]) -> Iterator[list[Metric]]:
    remaining = iter(metrics)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _log_dataset(client: MlflowClient, run_id: str, report: StageReport) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": report.output.resolve().as_uri()})
    profile = json.dumps(report.metrics)
    dataset = Dataset(report.config["data"]["source"], report.digest, "local", source, profile=profile)
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
