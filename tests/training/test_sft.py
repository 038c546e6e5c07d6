import pytest
import torch
from default_settings import params_with
from stage_processes import Task, kill_when

from videmo.backbone.loading import load_policy
from videmo.backbone.policy import Policy
from videmo.settings.sections import SftSettings
from videmo.stages.report import StageReport
from videmo.training import sft

# Under ten steps, a checkpoint after every third.
LEVEL = {"epochs": 0.12, "learning_rate": 1e-3, "replay": 0.25, "samples_per_clip": 2}
SETTINGS = {
    "sft": {"batch_clips": 1, "attribute": LEVEL, "emotion": {**LEVEL, "epochs": 0.5}},
    "backbone": {"freeze_vision": False},
    "execution": {"sft_checkpoint_steps": 3},
}


def teach(settings, inputs, output, level):
    return sft.run(SftSettings.of(params_with(settings), f"sft_{level}", level=level), inputs, output, level)


def model_weights(output):
    return load_policy(output / "model").model.state_dict()


def test_a_killed_run_ends_with_the_losses_and_weights_of_an_unbroken_one(built_data, tmp_path, curve, one_thread):
    inputs = {"data_build": built_data}
    killed = Task("videmo.training.sft", SETTINGS, inputs, tmp_path / "killed", {"level": "attribute"})
    kill_when(killed, lambda: killed.rows() >= 4)
    resumed = teach(SETTINGS, inputs, tmp_path / "killed", "attribute")
    unbroken = teach(SETTINGS, inputs, tmp_path / "unbroken", "attribute")
    assert unbroken.metrics["steps"] > 4
    assert curve(resumed.output) == curve(unbroken.output)
    assert resumed.metrics["loss"] == unbroken.metrics["loss"]
    weights, expected = model_weights(resumed.output), model_weights(unbroken.output)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert not (resumed.output / "checkpoints").exists()


def distance(weights, others):
    return sum(float((weight - others[name]).square().sum()) for name, weight in weights.items())


def test_a_level_starts_from_the_one_before_and_the_vision_tower_learns(
    built_data, speaking_model, tmp_path, one_thread
):
    inputs = {"data_build": built_data, "sft_expression": speaking_model}
    before = model_weights(speaking_model)
    report = teach(SETTINGS, inputs, tmp_path / "emotion", "emotion")
    after = model_weights(report.output)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert any("visual" in name for name in changed)
    assert any("language_model" in name for name in changed)
    backbone = load_policy("tiny").model.state_dict()
    assert distance(after, before) < distance(after, backbone)
    assert StageReport.read(report.output).metrics == report.metrics


def test_a_frozen_vision_tower_stays_as_it_was_and_looks_at_a_clip_once(
    built_data, speaking_model, tmp_path, one_thread, monkeypatch
):
    seen = []
    look_at = Policy.look_at
    monkeypatch.setattr(Policy, "look_at", lambda self, video: seen.append(video.pixels) or look_at(self, video))
    inputs = {"data_build": built_data, "sft_expression": speaking_model}
    params = {**SETTINGS, "backbone": {"freeze_vision": True}}
    after = model_weights(teach(params, inputs, tmp_path / "emotion", "emotion").output)
    before = model_weights(speaking_model)
    assert all(torch.equal(after[name], before[name]) for name in after if "visual" in name)
    assert 1 < len(seen) - 1 <= len({pixels.numpy().tobytes() for pixels in seen})  # one more for its size


def test_a_loss_that_is_not_finite_names_its_step_and_samples(built_data, tmp_path, one_thread):
    wild = {"sft": {**SETTINGS["sft"], "warmup": 0.0, "attribute": {**LEVEL, "learning_rate": 1e30}}}
    with pytest.raises(
        FloatingPointError, match=r"step \d+: .* lower sft.attribute.learning_rate, or check the samples"
    ):
        teach(wild, {"data_build": built_data}, tmp_path / "wild", "attribute")
    assert not (tmp_path / "wild").exists()


def steps(report):
    return report.metrics["steps"]


def test_a_later_level_from_the_backbone_replays_nothing_and_the_mixture_takes_as_long_as_the_curriculum(
    built_data, speaking_model, tmp_path, one_thread
):
    short = {level: {**LEVEL, "epochs": 0.2} for level in ("attribute", "expression", "emotion")}
    params, data = {"sft": {**SETTINGS["sft"], **short}}, {"data_build": built_data}
    attribute = teach(params, data, tmp_path / "attribute", "attribute")
    expression = teach(params, {**data, "sft_attribute": speaking_model}, tmp_path / "expression", "expression")
    emotion = teach(params, {**data, "sft_expression": speaking_model}, tmp_path / "emotion", "emotion")
    alone = teach(params, data, tmp_path / "alone", "expression")
    mixed = teach(params, data, tmp_path / "mixed", "mixed")
    assert steps(alone) < steps(expression)
    assert steps(mixed) == steps(attribute) + steps(expression) + steps(emotion)
    weights, backbone = model_weights(alone.output), load_policy("tiny").model.state_dict()
    assert distance(weights, backbone) < distance(weights, model_weights(speaking_model))
