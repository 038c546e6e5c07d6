"""Where the steps of a local run are worked on: in this process, in one that they share, or in one of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from videmo.kubeflow.shared_process import run_component
from videmo.kubeflow.step_processes import SharedProcess, asks_registry, nothing_to_make
from videmo.pipeline.dag import TABLE, PlannedStep
from videmo.pipeline.step import Run

SOURCE = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def step(text: str, made: Output[Artifact]) -> int:
    import os
    print("said " + text, flush=True)
    if text == "fail":
        raise ValueError("it failed")
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


@pytest.fixture
def shared(tmp_path):
    process = SharedProcess(tmp_path / "log")
    yield process
    process.end()


def test_a_component_is_run_in_this_process_and_leaves_what_its_container_would(tmp_path):
    assert run_component(command("hello", tmp_path))
    assert (tmp_path / "made").read_text() == "hello"
    assert worked_in(tmp_path) == os.getpid()


def test_a_component_that_fails_ends_nothing_and_is_told_in_the_log(tmp_path, capsys):
    assert not run_component(command("fail", tmp_path))
    assert "ValueError: it failed" in capsys.readouterr().err


def test_the_steps_that_share_a_process_are_worked_on_one_after_the_other(tmp_path, shared, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    assert shared.work(command("one", tmp_path))
    first = worked_in(tmp_path)
    assert not shared.work(command("fail", tmp_path))
    assert shared.work(command("two", tmp_path))
    assert first == worked_in(tmp_path) != os.getpid()
    log = (tmp_path / "log").read_text()
    assert log.index("said one") < log.index("ValueError: it failed") < log.index("said two")
    os.kill(first, signal.SIGKILL)
    time.sleep(0.2)
    assert not shared.work(command("three", tmp_path))
    assert shared.work(command("four", tmp_path))
    assert worked_in(tmp_path) != first


def test_only_steps_that_ask_the_registry_or_the_run_share_a_process():
    assert {step for step in (*TABLE, "other") if asks_registry(step)} == {"drift", "gate", "promotion", "report"}


def test_there_is_nothing_to_make_where_all_but_what_every_run_does_is_in_the_store():
    def plan(**cached: bool) -> list[PlannedStep]:
        return [PlannedStep(name, "d", cached.get(name, True), "") for name in TABLE]

    stages = tuple(TABLE)
    assert nothing_to_make(stages, plan(gate=False, promotion=False), Run("r"))
    assert not nothing_to_make(stages, plan(tree_rl=False), Run("r"))
    assert nothing_to_make(("data_build",), plan(tree_rl=False), Run("r"))  # another pipeline, without tree_rl
    assert not nothing_to_make(stages, plan(), Run("r", fresh=True))


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
