"""A run on this machine whose disk fills up, or that ends in a way nobody foresaw."""

import re
import resource
import subprocess
import sysconfig
from pathlib import Path

import pytest

from videmo.kubeflow.local_runner import Sink, quiet
from videmo.stages.report import StageReport, faults

ROOT = Path(__file__).parents[2]
KFP = Path(sysconfig.get_path("scripts")) / "kfp"
SMALL = ("--set", "data.people=2", "--set", "data.clips_per_person=1", "--set", "data.frames=2", "--set",
         "data.frame_size=28", "--set", "data.test_share=0.5")  # fmt: skip


def test_what_is_printed_in_quiet_lands_in_the_log(tmp_path):
    with quiet(tmp_path / "log"):
        print("to the log")
    assert (tmp_path / "log").read_text() == "to the log\n"


def test_a_log_on_a_full_disk_ends_nothing(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Sink(Path("/dev/full")) as sink:
        assert sink.write("lost\n") == 5


def test_a_run_on_a_full_disk_says_so_without_a_traceback_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    monkeypatch.chdir(ROOT)
    command = [KFP, "run", "pipelines/full.py", *SMALL, "--name", "full"]
    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=files_of_at_most_8_kb, timeout=300)
    assert full.returncode == 1
    assert "Traceback" not in full.stdout + full.stderr
    assert re.search("data_build failed: .*File too large", full.stdout)
    assert not [path for path in tmp_path.glob("store/*/*/stage.json") if faults(path.parent)]
    room = [Path(KFP).with_name("videmo"), "stage", "data_build", *SMALL]
    subprocess.run(room, check=True, capture_output=True, timeout=300)
    (built,) = tmp_path.glob("store/data_build/*/stage.json")
    assert StageReport.read(built.parent).metrics["clips"] == 2


def files_of_at_most_8_kb() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def test_a_failure_outside_every_step_is_told_in_one_line(tmp_path, monkeypatch):
    """A pipeline whose own compilation for this machine goes wrong when it is started."""
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    (tmp_path / "odd.py").write_text(
        "from kfp import dsl\n"
        "@dsl.component(base_image='python:3.11', install_kfp_package=False)\n"
        "def step(number: float) -> float:\n    return number\n"
        "@dsl.pipeline(name='odd')\n"
        "def odd():\n    step(number=float('inf'))\n"
    )
    ended = subprocess.run([KFP, "run", tmp_path / "odd.py"], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert ended.returncode in {1, 2}
    assert "Traceback" not in ended.stdout + ended.stderr
    assert len((ended.stdout + ended.stderr).splitlines()) <= 4
