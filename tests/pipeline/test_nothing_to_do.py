"""When a run says that there is nothing to do, in place of doing it."""

import pytest
from default_settings import params_with

from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.gate_and_report import open_run
from videmo.pipeline.nothing_to_do import FILE, conclude, last_run_like
from videmo.pipeline.step import Run

STAGES = tuple(name for name, row in TABLE.items() if not row.optional)


def plan(**digests: str) -> list[PlannedStep]:
    return [PlannedStep(name, digests.get(name, "d"), row.reusable, "") for name, row in TABLE.items()]


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run = Run("first")
    run.folder.mkdir(parents=True)
    (tmp_path / "runs/latest").symlink_to("first")
    path = tmp_path / "mlflow/mlflow.db"
    path.parent.mkdir()
    path.write_text("one champion")
    (run.folder / "report.html").write_text("a report")
    conclude(run, "pipeline", STAGES, plan())
    return path


def test_the_same_steps_and_the_registry_as_it_was_left_come_to_what_the_last_run_came_to(database):
    assert last_run_like("pipeline", STAGES, plan()) == Run("first")


def test_a_registry_that_was_written_to_is_asked_again(database):
    database.write_text("another champion")
    assert last_run_like("pipeline", STAGES, plan()) is None


def test_a_registry_on_a_server_is_always_asked(database, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    conclude(Run("first"), "pipeline", STAGES, plan())
    assert last_run_like("pipeline", STAGES, plan()) is None


def test_other_steps_are_something_to_do(database):
    assert last_run_like("pipeline", STAGES, plan(gate="of another tolerance")) is None
    assert last_run_like("pipeline", ("data_build",), plan()) is None
    missing = [PlannedStep(step.stage, "d", step.cached and step.stage != "tree_rl", "") for step in plan()]
    assert last_run_like("pipeline", STAGES, missing) is None


def test_a_pipeline_that_looks_at_the_moment_always_runs(database):
    conclude(Run("first"), "pipeline", tuple(TABLE), plan())
    assert last_run_like("pipeline", tuple(TABLE), plan()) is None  # drift is among them


def test_after_a_run_that_did_not_succeed_there_is_something_to_do(database, tmp_path):
    (tmp_path / "runs/latest").unlink()
    (tmp_path / "runs/failed").mkdir()
    (tmp_path / "runs/latest").symlink_to("failed")
    assert last_run_like("pipeline", STAGES, plan()) is None


def test_another_pipeline_of_the_same_steps_is_something_to_do(database):
    assert last_run_like("edited", STAGES, plan()) is None


def test_another_report_is_something_to_do(database, monkeypatch):
    monkeypatch.setattr("videmo.pipeline.nothing_to_do.REPORT", "videmo.stages.content")
    assert last_run_like("pipeline", STAGES, plan()) is None


def test_a_run_without_its_report_is_made_again(database):
    (Run("first").folder / "report.html").unlink()
    assert last_run_like("pipeline", STAGES, plan()) is None


def test_a_run_that_starts_again_by_its_name_has_concluded_nothing_yet(database):
    open_run(Run("first"), params_with())
    assert not (Run("first").folder / FILE).exists()


def test_a_disk_without_room_for_the_note_fails_no_run(database, monkeypatch):
    def full(path, value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("videmo.pipeline.nothing_to_do.write_json", full)
    conclude(Run("first"), "edited", STAGES, plan())
    assert last_run_like("edited", STAGES, plan()) is None
