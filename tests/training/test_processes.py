import pytest

from videmo.config import check_params
from videmo.training import sft

LEVEL = {"epochs": 0.06, "learning_rate": 1e-3, "samples_per_clip": 2}
SETTINGS = {"sft": {"batch_clips": 2, "attribute": LEVEL}}
RL = {"rl": {"branching": [2, 1, 1], "steps": 2, "batch_clips": 3, "question_clips": 1, "max_segment_tokens": 16}}


def test_two_processes_take_the_steps_of_one(built_data, tmp_path, curve, stage_by_torchrun, one_thread):
    inputs = {"data_build": built_data}
    alone = sft.run(check_params(SETTINGS), inputs, tmp_path / "alone", "attribute")
    together = {**SETTINGS, "engine": {"processes": 2, "zero_stage": 2}}
    stage_by_torchrun(2, "videmo.training.sft", together, inputs, tmp_path / "together", level="attribute")
    losses = [[row["loss"] for row in curve(output)] for output in (alone.output, tmp_path / "together")]
    assert len(losses[0]) >= 2
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_two_processes_share_the_prompts_of_tree_rl(built_data, speaking_model, tmp_path, curve, stage_by_torchrun):
    inputs = {"data_build": built_data, "sft_emotion": speaking_model}
    settings = {**RL, "engine": {"processes": 2, "zero_stage": 3}}
    stage_by_torchrun(2, "videmo.training.tree_rl", settings, inputs, tmp_path / "rl")
    assert len(curve(tmp_path / "rl")) == 2
    assert (tmp_path / "rl" / "model" / "model.safetensors").exists()


def test_another_number_of_processes_than_was_started_is_refused(built_data, tmp_path):
    params = check_params({**SETTINGS, "engine": {"processes": 2}})
    with pytest.raises(ValueError, match=r"engine.processes = 2: 1 started; .* torchrun"):
        sft.run(params, {"data_build": built_data}, tmp_path / "sft", "attribute")
