"""Runs that were ended without warning, on one process and on two, at every stage of ZeRO."""

import pytest
import torch
from default_settings import params_with
from stage_processes import Task, complete, kill_when

from videmo.backbone.loading import load_policy
from videmo.settings.sections import TreeRlSettings
from videmo.training import tree_rl

RL = {
    "branching": [2, 1, 2], "batch_clips": 2, "question_clips": 0, "learning_rate": 1e-4,
    "max_segment_tokens": 20, "optimisation_epochs": 2,
}  # fmt: skip


@pytest.fixture
def task(built_data, speaking_model, tmp_path):
    """Make a task of tree RL that writes into `name`."""

    def make(name: str, processes: int, zero_stage: int, steps: int = 3, rl_checkpoint_steps: int = 1) -> Task:
        execution = {"processes": processes, "zero_stage": zero_stage, "rl_checkpoint_steps": rl_checkpoint_steps}
        settings = {"rl": {**RL, "steps": steps}, "execution": execution}
        inputs = {"data_build": built_data, "sft_emotion": speaking_model}
        return Task("videmo.training.tree_rl", settings, inputs, tmp_path / name)

    return make


@pytest.fixture
def assert_same(curve):
    """What two runs logged, and the weights that they came to."""

    def compare(found: Task, expected: Task) -> None:
        rows = curve(expected.output)
        assert curve(found.output) == rows
        assert [row["step"] for row in rows] == [*range(1, expected.settings["rl"]["steps"] + 1)]
        assert all(2 * 2 <= row["leaves"] <= 2 * 4 for row in rows)  # of both clips, whichever process had them
        weights, others = (load_policy(run.output / "model").model.state_dict() for run in (found, expected))
        assert all(torch.equal(weight, others[name]) for name, weight in weights.items())
        assert not (found.output / "checkpoints").exists()

    return compare


@pytest.mark.parametrize(("processes", "zero_stage"), [(2, 2), (1, 3)])  # the slow tests try all eight
def test_a_killed_run_goes_on_only_with_its_processes_and_shards_and_ends_as_an_unbroken_one(
    task, assert_same, monkeypatch, processes, zero_stage
):
    killed, unbroken = (task(name, processes, zero_stage) for name in ("killed", "unbroken"))
    kill_when(killed, lambda: killed.rows() >= 2)
    others = {"processes": (3 - processes, zero_stage), "zero_stage": (processes, 3 - zero_stage)}
    for setting, (number, stage) in others.items():
        other = task("killed", number, stage)
        found, held = (run.settings["execution"][setting] for run in (other, killed))
        told = rf"\.{setting} = {found}: the checkpoint step-\d .* {held}; resume with execution\.{setting} = {held}"
        monkeypatch.setenv("WORLD_SIZE", str(number))
        with pytest.raises(ValueError, match=told):
            tree_rl.run(TreeRlSettings.of(params_with(other.settings), "tree_rl"), other.inputs, other.output)
    monkeypatch.undo()
    complete(killed)
    complete(unbroken)
    assert_same(killed, unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_a_run_killed_at_every_step_and_in_the_middle_of_a_checkpoint_ends_as_an_unbroken_one(
    task, assert_same, processes, zero_stage
):
    killed, unbroken = (
        task(name, processes, zero_stage, steps=5, rl_checkpoint_steps=2) for name in ("killed", "unbroken")
    )
    moments = [lambda rows=rows: killed.rows() >= rows for rows in range(5)]
    moments.insert(2, lambda: bool(list(killed.partial.glob("checkpoints/step-*.partial"))))
    for due in moments:
        kill_when(killed, due)
    complete(killed)
    complete(unbroken)
    assert_same(killed, unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_where_one_of_two_processes_is_killed_the_other_ends_and_the_run_goes_on(task, assert_same, rank):
    killed, unbroken = (task(name, 2, 1) for name in ("killed", "unbroken"))
    kill_when(killed, lambda: killed.rows() >= 2, [rank])
    complete(killed)
    complete(unbroken)
    assert_same(killed, unbroken)
