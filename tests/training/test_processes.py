"""How a stage is run changes nothing that it learns: on one process or two, at every stage of ZeRO, in large passes or
small ones."""

import pytest
from default_settings import params_with
from stage_processes import Task, complete

from videmo.settings.sections import SftSettings
from videmo.training import sft

LEVEL = {"epochs": 0.06, "learning_rate": 1e-3, "samples_per_clip": 2}
SETTINGS = {"sft": {"batch_clips": 2, "attribute": LEVEL}}
RL = {
    "steps": 2, "batch_clips": 4, "question_clips": 2, "max_segment_tokens": 12, "learning_rate": 1e-4,
    "optimisation_epochs": 2,
}  # fmt: skip
SMALL = 152  # what the longest answer may take with its video and question, of which a step has several


def teach(settings, inputs, output, level):
    return sft.run(SftSettings.of(params_with(settings), f"sft_{level}", level=level), inputs, output, level)


@pytest.fixture(scope="module")
def taught(built_data, tmp_path_factory, curve, one_thread):
    """The losses of fine-tuning on one process, a whole step in one pass."""
    output = teach(SETTINGS, {"data_build": built_data}, tmp_path_factory.mktemp("taught") / "sft", "attribute").output
    losses = [row["loss"] for row in curve(output)]
    assert len(losses) >= 2
    return losses


@pytest.fixture(scope="module")
def reinforced(built_data, speaking_model, tmp_path_factory, curve):
    """Inputs of tree RL, and what it logs on one process, where all rollouts of a step fit into one pass."""
    inputs = {"data_build": built_data, "sft_emotion": speaking_model}
    task = Task("videmo.training.tree_rl", {"rl": RL}, inputs, tmp_path_factory.mktemp("reinforced") / "tree_rl")
    complete(task)
    return inputs, curve(task.output)


@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_two_processes_take_the_steps_of_one(built_data, tmp_path, curve, taught, zero_stage):
    both = {**SETTINGS, "execution": {"processes": 2, "zero_stage": zero_stage}}
    together = Task("videmo.training.sft", both, {"data_build": built_data}, tmp_path / "sft", {"level": "attribute"})
    complete(together)
    assert [row["loss"] for row in curve(together.output)] == pytest.approx(taught, abs=1e-5)


def test_a_step_in_several_passes_is_the_step_in_one(built_data, tmp_path, curve, taught):
    accumulated = {"sft": {**SETTINGS["sft"], "batch_clips": 1, "accumulation": 2}}
    report = teach(accumulated, {"data_build": built_data}, tmp_path / "sft", "attribute")
    assert [row["loss"] for row in curve(report.output)] == pytest.approx(taught, abs=1e-5)


def test_another_number_of_processes_than_was_started_is_refused(built_data, tmp_path):
    params = {**SETTINGS, "execution": {"processes": 2}}
    with pytest.raises(ValueError, match=r"execution.processes = 2: 1 started; .* torchrun"):
        teach(params, {"data_build": built_data}, tmp_path / "sft", "attribute")


@pytest.mark.parametrize(("zero_stage", "micro_tokens"), [(0, 8192), (1, SMALL), (2, SMALL), (3, SMALL)])
def test_two_processes_learn_by_reinforcement_what_one_does(tmp_path, curve, reinforced, zero_stage, micro_tokens):
    inputs, alone = reinforced
    execution = {"processes": 2, "zero_stage": zero_stage, "micro_tokens": micro_tokens}
    task = Task("videmo.training.tree_rl", {"rl": RL, "execution": execution}, inputs, tmp_path / "tree_rl")
    complete(task)
    together = curve(task.output)
    assert [row["tokens"] for row in together] == [row["tokens"] for row in alone]
    for name in ("loss", "reward"):
        assert [row[name] for row in together] == pytest.approx([row[name] for row in alone], abs=1e-5)
