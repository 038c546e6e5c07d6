import json
import os
import signal
import subprocess
import sys
import time

import pytest

from videmo.registry.tracking import connect, experiment_id, log_stage
from videmo.stages.report import StageReport


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    return tmp_path


def report(home, stage="data_build", rows=3):
    output = home / "store" / stage
    output.mkdir(parents=True, exist_ok=True)
    (output / "metrics.jsonl").write_text(
        "".join(json.dumps({"step": step, "loss": 1 / (step + 1), "gap": None}) + "\n" for step in range(rows))
    )
    config = {"data": {"source": "faces", "people": 3, "face": {"size": 84}}}
    return StageReport(stage, f"digest-{stage}", output, {"clips": 12.0}, 1.5, config, {"before": "d0"})


def test_a_stage_is_a_run_below_the_pipelines_with_parameters_metrics_over_steps_digest_and_dataset(home):
    log_stage(report(home), "tuesday's run")
    client = connect()
    runs = client.search_runs([experiment_id(client)])
    child = next(run for run in runs if run.info.run_name == "data_build")
    parent = next(run for run in runs if run.data.tags["videmo.kind"] == "pipeline")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["videmo.digest"] == "digest-data_build"
    assert child.data.tags["videmo.input.before"] == "d0"
    assert child.data.params == {"data.source": "faces", "data.people": "3", "data.face.size": "84"}
    assert child.data.metrics["clips"] == 12
    assert child.data.metrics["seconds"] == 1.5
    history = client.get_metric_history(child.info.run_id, "step.loss")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert child.inputs.dataset_inputs[0].dataset.digest == "digest-data_build"
    assert (home / "mlflow" / "mlflow.db").exists()


def test_logging_a_stage_again_adds_nothing_and_takes_less_than_three_seconds_of_work(home):
    first = log_stage(report(home, rows=2500), "tuesday's run")
    start = time.process_time()
    assert log_stage(report(home, rows=2500), "tuesday's run") == first
    log_stage(report(home, "tree_rl", rows=2500), "tuesday's run")
    assert time.process_time() - start < 3
    client = connect()
    assert len(client.search_runs([experiment_id(client)])) == 3
    assert len(log_stage(report(home), "another run")) == len(first)
    assert len(client.search_runs([experiment_id(client)])) == 5


CONNECT = "from videmo.registry.tracking import connect, experiment_id; print(experiment_id(connect()))"


def test_runs_that_start_at_the_same_moment_share_a_database_that_neither_had(home):
    started = [subprocess.Popen([sys.executable, "-c", CONNECT], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate(timeout=120)[0].strip() for process in started} == {"1"}
    assert [process.returncode for process in started] == [0, 0, 0]


def test_a_database_whose_making_was_cut_short_is_made_anew(home):
    process = subprocess.Popen([sys.executable, "-c", CONNECT], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (home / "mlflow" / "mlflow.db.partial").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (home / "mlflow" / "mlflow.db").exists()
    assert experiment_id(connect()) == "1"
    assert [path.name for path in (home / "mlflow").glob("mlflow.db*")] == ["mlflow.db"]


def test_a_database_may_be_named_from_the_current_directory(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///here/my.db")
    client = connect()
    assert client.get_experiment(experiment_id(client)).artifact_location == (home / "here" / "artifacts").as_uri()
    assert (home / "here" / "my.db").exists()
