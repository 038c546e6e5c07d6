"""The ablations at their smallest: two seeds, every setting, killed in the middle and started again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from smoke_run import ROOT, Home

COMMAND = (
    *(sys.executable, "-m", "benchmarks.ablations", "--params", "params/ablations-smoke.yaml"),
    *("--seeds", "0", "1"),
)
FIRST = ["base", "mixed", "attribute_only", "expression_only", "emotion_only", "attribute_expression", "curriculum"]
RL = ["chain_grpo", "chain_grpo_tree_reward", "tree_grpo"]
SETTINGS = [*FIRST, *RL, "reasoning_2", "reasoning_4", "reasoning_8"]


def kill_in(stage: str, home: Home) -> None:
    """Start the ablations and end all their processes as soon as `stage` has logged a step."""
    process = subprocess.Popen(
        COMMAND, env=home.environment(), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 300
    while not list((home.path / "store" / stage).glob("*.partial/metrics.jsonl")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_ablations_that_are_killed_go_on_to_all_settings_of_both_seeds_and_run_nothing_twice(tmp_path):
    home = Home(tmp_path)
    kill_in("sft_mixed", home)
    before = home.outputs()
    assert {output.parent.name for output in before} in ({"data_build"}, {"data_build", "answers_base"})
    ended = home.call(*COMMAND)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith(f"44 steps: {len(before)} in the store, {44 - len(before)} to run")
    folder = tmp_path / "runs" / "ablations"
    values = json.loads((folder / "ablations.json").read_text())
    assert list(values) == SETTINGS
    assert all(list(of_seeds) == ["0", "1"] for of_seeds in values.values())
    assert "of 26 answers" not in (folder / "ablations.html").read_text()
    after = home.outputs()
    assert before < after
    assert len(after) == 44
    again = home.call(*COMMAND)
    assert again.stdout.startswith("44 steps: 44 in the store, 0 to run")
    assert home.outputs() == after
    assert json.loads((folder / "ablations.json").read_text()) == values
