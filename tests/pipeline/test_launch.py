"""Training in several processes, and runs at fixed times."""

import sys

import pytest
from default_settings import params_with

from videmo.kubeflow.cluster import IMAGE
from videmo.kubeflow.schedule import check_cron
from videmo.kubeflow.train_job import train_job
from videmo.pipeline.dag import TABLE
from videmo.pipeline.launch import check_gpus, run_in_processes, torchrun
from videmo.settings.errors import SettingError


def test_torchrun_starts_as_many_processes_as_the_engine_has(tmp_path):
    command = torchrun(4, tmp_path / "job.json")
    assert command[0] == sys.executable
    assert "--nproc-per-node=4" in command


def test_a_process_that_fails_ends_the_stage_with_its_message(tmp_path):
    (tmp_path / "data").mkdir()
    params = params_with({"execution": {"processes": 2}})
    with pytest.raises(RuntimeError, match="data"):
        run_in_processes(TABLE["sft_attribute"], params, {"data_build": tmp_path / "data"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("gpus", "fits"), [(0, True), (1, False), (3, False), (4, True), (8, True)])
def test_more_processes_than_gpus_are_refused_and_without_gpus_they_share_the_cores(monkeypatch, gpus, fits):
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    if fits:
        check_gpus(4)
    else:
        with pytest.raises(ValueError, match=rf"execution\.processes = 4: .* has {gpus} GPU"):
            check_gpus(4)


def test_a_train_job_runs_the_image_on_the_volume_through_the_queue():
    job = train_job("tree_rl", "run.1", nodes=2, processes=4)
    assert job["metadata"]["name"] == "run-1-tree-rl"
    trainer = job["spec"]["trainer"]
    assert (trainer["image"], trainer["numNodes"], trainer["numProcPerNode"]) == (IMAGE, 2, 4)
    assert trainer["command"][-1] == "/videmo/runs/run.1/tree_rl.json"
    pod = job["spec"]["podTemplateOverrides"][0]["spec"]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "videmo-home"}
    key = pod["containers"][0]["env"][1]
    assert (key["name"], key["valueFrom"]["secretKeyRef"]["optional"]) == ("VIDEMO_ENDPOINT_KEY", True)


@pytest.mark.parametrize("cron", ["often", "61 * * * *", "* * * *"])
def test_a_time_that_is_none_is_refused_with_an_example(cron):
    with pytest.raises(SettingError, match="use five fields"):
        check_cron(cron)


def test_a_time_of_five_fields_is_taken():
    assert check_cron("0 3 * * 1") is None
