"""One step of a run: store, record, log."""

import json
import shutil
from dataclasses import replace

import pytest
from default_settings import params_with

from videmo.pipeline.dag import TABLE, output_of, plan
from videmo.pipeline.gate_and_report import open_run
from videmo.pipeline.step import Run, discard, planned_inputs, recorded, run_stage
from videmo.pipeline.verify import verify_plan
from videmo.settings.errors import SettingError
from videmo.stages.digest import code_read_once
from videmo.stages.step_record import StepRecord
from videmo.stages.store import home, partial_of

SMALL = params_with(
    {
        "data": {"people": 2, "clips_per_person": 1, "frames": 2, "frame_size": 28, "test_share": 0.5},
        "execution": {"workers": 1},
    }
)


@pytest.fixture(scope="module", autouse=True)
def code_that_stays():
    with code_read_once():
        yield


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch, empty_registry):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "home" / "mlflow").mkdir(parents=True)
    shutil.copy(empty_registry, tmp_path / "home" / "mlflow")


def record(run: Run, stage: str) -> StepRecord:
    return next(step for step in run.steps() if step.stage == stage)


def test_a_stage_runs_once_and_is_then_found_in_the_store():
    first, second, third = Run("first"), Run("second"), Run("third", fresh=True)
    report = run_stage("data_build", SMALL, first)
    assert report.output == output_of("data_build", plan(SMALL)[0].digest)
    assert (record(first, "data_build").status, record(first, "data_build").cached) == ("succeeded", False)
    assert run_stage("data_build", SMALL, second) == report
    assert record(second, "data_build").cached
    made_again = run_stage("data_build", SMALL, third)
    assert not record(third, "data_build").cached
    assert made_again == replace(report, seconds=made_again.seconds)
    assert record(third, "tree_rl").status == "not run"


@pytest.mark.parametrize("harmed", ["clips.parquet", "stage.json"])
def test_a_damaged_output_is_told_by_the_plan_and_made_again(harmed):
    report = run_stage("data_build", SMALL, Run("first"))
    whole = (report.output / harmed).read_bytes()
    (report.output / harmed).write_bytes(whole[: len(whole) // 2])
    planned = plan(SMALL)[0]
    assert (planned.cached, planned.reason) == (False, f"damaged: {harmed}")
    again = run_stage("data_build", SMALL, Run("second"))
    assert not record(Run("second"), "data_build").cached
    assert again.files == report.files
    assert plan(SMALL)[0].cached


def test_a_step_that_fails_on_an_input_damaged_at_the_same_length_names_it_and_the_next_run_makes_it_again(capsys):
    report = run_stage("data_build", SMALL, Run("first"))
    clips = report.output / "clips.parquet"
    clips.write_bytes(b"\0" * clips.stat().st_size)
    assert plan(SMALL)[0].cached
    with pytest.raises(ValueError, match=f"^input damaged: remove {report.output}, then run again .clips.parquet"):
        run_stage("data_validation", SMALL, Run("second"))
    assert record(Run("second"), "data_validation").error.startswith("input damaged: remove ")
    assert plan(SMALL)[0].reason == "damaged: clips.parquet"
    with pytest.raises(SettingError, match="the output of data_build, which is damaged: run it first"):
        run_stage("data_validation", SMALL, Run("third"))
    again = run_stage("data_build", SMALL, Run("third"))
    assert again.files == report.files
    assert "damaged (clips.parquet); removed, and made again" in capsys.readouterr().out
    assert plan(SMALL)[0].cached


def test_verifying_a_plan_reads_its_outputs_and_the_files_outside_again(tmp_path):
    report = run_stage("data_build", SMALL, Run("first"))
    verify_plan(SMALL)
    assert plan(SMALL)[0].cached
    clips = report.output / "clips.parquet"
    clips.write_bytes(b"\0" * clips.stat().st_size)
    verify_plan(SMALL)
    assert plan(SMALL)[0].reason == "damaged: clips.parquet"


def test_an_output_that_was_pulled_beside_an_empty_store_is_found_there_and_a_damaged_one_is_told():
    report = run_stage("data_build", SMALL, Run("first"))
    pulled = home() / "outputs" / "data_build"
    pulled.parent.mkdir()
    shutil.copytree(report.output, pulled)
    shutil.rmtree(home() / "store")
    assert plan(SMALL)[0].cached
    assert run_stage("data_build", SMALL, Run("second")).files == report.files
    assert record(Run("second"), "data_build").cached
    shutil.rmtree(home() / "store")
    (pulled / "clips.parquet").unlink()
    assert plan(SMALL)[0].reason == "never run; outputs/data_build is damaged: clips.parquet"


def test_a_stage_without_its_inputs_names_the_one_to_run_first():
    with pytest.raises(SettingError, match="data_validation needs the output of data_build"):
        planned_inputs(TABLE["data_validation"], SMALL, Run("any"))


def test_a_failed_step_is_recorded_with_the_last_line_of_its_error():
    run = Run("failing")
    with pytest.raises(ValueError, match="too bad"), recorded(run, StepRecord("tree_rl", "d", "o")):
        raise ValueError("rl.steps = 3: too bad\nand more")
    assert record(run, "tree_rl").status == "failed"
    assert record(run, "tree_rl").error == "rl.steps = 3: too bad"
    with pytest.raises(KeyError), recorded(run, StepRecord("tree_rl", "d", "o")):
        raise KeyError("p1")
    assert record(run, "tree_rl").error == "KeyError: 'p1'"


def test_a_discarded_output_is_gone_with_what_an_unfinished_one_left(tmp_path):
    for path in (tmp_path / "out", partial_of(tmp_path / "out")):
        path.mkdir()
        (path / "file").write_text("x")
    discard(tmp_path / "out")
    assert list(tmp_path.glob("out*")) == []


def test_a_run_opens_with_its_settings_no_records_of_before_and_the_link_latest():
    run = Run("one")
    run.record(StepRecord("tree_rl", "d", "o", status="failed"))
    open_run(run, SMALL)
    assert not run.failed()
    assert (home() / "runs" / "latest").resolve() == run.folder
    assert "people: 2" in (run.folder / "params.yaml").read_text()
    open_run(Run("two"), SMALL)
    assert (home() / "runs" / "latest").resolve() == Run("two").folder


def test_a_manifest_path_is_all_that_a_step_of_a_pipeline_hands_on(tmp_path):
    from videmo.pipeline.step import run_step

    report = run_step("data_build", SMALL.model_dump(mode="json", exclude_none=True), {"name": "steps"})
    report.write_manifest(str(tmp_path / "data"))
    manifest = json.loads((tmp_path / "data").read_text())
    assert manifest["digest"] == report.digest
    assert set(manifest) == {"stage", "digest", "uri", "sha256"}
