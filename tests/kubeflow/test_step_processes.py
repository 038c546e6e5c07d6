"""Where the steps of a local run are worked on: in this process, or in one forked from the server."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from videmo.kubeflow.step_processes import StepServer, needed
from videmo.kubeflow.step_server import MODELS, REGISTRY, run_component
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run

SOURCE = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def step(text: str, made: Output[Artifact]) -> int:
    import atexit, os, signal, sys, time
    print("said", text, os.environ.get("SAID"), os.environ.get("PYTORCH_NVML_BASED_CUDA_CHECK"))
    if text == "fail":
        raise ValueError("it failed")
    if text == "slow":
        time.sleep(0.3)
    if text == "mlflow":
        print("mlflow is imported:", "mlflow" in sys.modules)
    if text == "exit":
        atexit.register(print, "said at the exit")
    if text.startswith("kill"):
        os.kill(os.getppid() if "server" in text else os.getpid(), signal.SIGKILL)
    open(made.path, "w").write(text)
    return os.getpid()
"""


def command(text: str, folder: Path) -> list[str]:
    """What kfp.local has a step run."""
    made = {"name": "made", "type": {"schemaTitle": "system.Artifact"}, "uri": str(folder / "made")}
    executor_input = {
        "inputs": {"parameterValues": {"text": text}},
        "outputs": {
            "parameters": {"Output": {"outputFile": str(folder / "Output")}},
            "artifacts": {"made": {"artifacts": [made]}},
            "outputFile": str(folder / "executor_output.json"),
        },
    }
    options = ["--executor_input", json.dumps(executor_input), "--function_to_execute", "step"]
    return ["sh", "-ec", "the program that a container runs", SOURCE, *options]


def worked_in(folder: Path) -> int:
    """The process that the step says it ran in."""
    return json.loads((folder / "executor_output.json").read_text())["parameterValues"]["Output"]


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def server(log):
    process = StepServer(log, [])
    yield process
    process.end()


def test_a_component_is_run_in_this_process_and_leaves_what_its_container_would(tmp_path):
    assert run_component(command("hello", tmp_path))
    assert (tmp_path / "made").read_text() == "hello"
    assert worked_in(tmp_path) == os.getpid()


def test_a_component_that_fails_ends_nothing_and_is_told_in_the_log(tmp_path, capsys):
    assert not run_component(command("fail", tmp_path))
    assert "ValueError: it failed" in capsys.readouterr().err


def test_every_step_has_a_fork_of_the_server_with_its_own_variables(tmp_path, server, log):
    assert server.work(command("one", tmp_path), {"SAID": "hello"})
    first = worked_in(tmp_path)
    assert not server.work(command("fail", tmp_path), {})
    assert server.work(command("two", tmp_path), {})
    assert len({first, worked_in(tmp_path), os.getpid()}) == 3
    said = log.read_text()
    assert said.index("said one hello None") < said.index("ValueError: it failed") < said.index("said two None None")


def test_a_fork_ends_as_a_process_does_with_what_is_registered_for_its_exit(tmp_path, server, log):
    assert server.work(command("exit", tmp_path), {})
    assert "said at the exit" in log.read_text()


def test_a_server_that_died_while_it_was_idle_is_replaced_before_the_next_step(tmp_path, server):
    process = server.start()
    process.kill()
    process.wait()
    assert server.work(command("one", tmp_path), {})


def test_a_server_works_on_one_step_at_a_time_and_says_when(tmp_path, server):
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as threads:
        works = [threads.submit(server.work, command("slow", folder), {}) for folder in folders]
        time.sleep(0.1)
        assert server.works()
    assert [work.result() for work in works] == [True, True]
    assert worked_in(folders[0]) != worked_in(folders[1])
    assert not server.works()


def test_a_step_is_not_kept_waiting_by_imports_and_what_is_imported_its_fork_has(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    server = StepServer(tmp_path / "log", [REGISTRY])
    assert server.work(command("mlflow", tmp_path), {})  # comes before the first import, or after it
    time.sleep(1)
    assert server.work(command("mlflow", tmp_path), {})
    server.end()
    assert (tmp_path / "log").read_text().splitlines()[-1] == "mlflow is imported: True"


def test_a_step_that_is_killed_fails_alone_and_a_server_that_is_killed_is_replaced(tmp_path, server):
    assert not server.work(command("kill", tmp_path), {})
    assert server.work(command("one", tmp_path), {})
    assert not server.work(command("kill the server", tmp_path), {})
    assert server.work(command("two", tmp_path), {})


def test_a_server_that_is_let_go_before_it_has_imported_everything_ends_at_once(tmp_path):
    server = StepServer(tmp_path / "log", [REGISTRY, MODELS])
    process = server.start()
    server.end()
    assert process.returncode == -signal.SIGTERM


def test_a_server_is_outdated_once_a_file_of_the_code_is_written(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text("")
    monkeypatch.setattr("videmo.kubeflow.step_processes.PACKAGE", tmp_path / "package")
    server = StepServer(tmp_path / "log", [])
    assert not server.is_outdated()  # not started, it has imported nothing
    time.sleep(0.05)
    server.start()
    assert not server.is_outdated()
    time.sleep(0.05)
    (tmp_path / "package" / "code.py").write_text("edited")
    assert server.is_outdated()
    server.end()


def test_models_are_needed_unless_all_but_what_every_run_does_is_in_the_store():
    def plan(**cached: bool) -> list[PlannedStep]:
        return [PlannedStep(name, "d", cached.get(name, True), "") for name in TABLE]

    stages = tuple(TABLE)
    assert needed(stages, plan(gate=False, promotion=False), Run("r")) == [REGISTRY]
    assert needed(stages, plan(tree_rl=False), Run("r")) == [REGISTRY, MODELS]
    assert needed(("sft_emotion",), plan(tree_rl=False), Run("r")) == [REGISTRY]  # another pipeline, without tree_rl
    assert needed(("data_build", "data_validation"), plan(data_build=False), Run("r")) == []
    assert needed(stages, plan(), Run("r", fresh=True)) == [REGISTRY, MODELS]


def test_kfp_comes_without_the_clients_of_clouds_until_its_own_is_named():
    probe = (
        "import sys; from videmo.kubeflow.pipeline_file import import_kfp; import_kfp(); import kfp\n"
        "from kfp import dsl\n"
        "print(kfp.components is not None, dsl.component is not None, 'kubernetes' in sys.modules)\n"
        "print(kfp.Client.__name__, 'kubernetes' in sys.modules)\n"
        "kfp.nothing"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert ended.stdout == "True True False\nClient True\n"
    assert "AttributeError: module 'kfp' has no attribute 'nothing'" in ended.stderr
