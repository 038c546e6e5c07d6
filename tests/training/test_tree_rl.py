import json

import pytest
import torch

from videmo.backbone.policy import load_policy
from videmo.config import Rl, SettingError, check_params
from videmo.endpoint import CeilingReached
from videmo.generation.hf import HfSampler
from videmo.tasks.catalog import PARTS
from videmo.training import tree_rl
from videmo.training.parity import check_parity

SETTINGS = {
    "rl": {
        "branching": [2, 1, 2], "steps": 3, "batch_clips": 2, "question_clips": 1, "learning_rate": 1e-4,
        "max_segment_tokens": 24, "checkpoint_steps": 1, "optimisation_epochs": 2,
    }
}  # fmt: skip


@pytest.fixture
def inputs(built_data, speaking_model):
    return {"data_build": built_data, "sft_emotion": speaking_model}


def test_a_killed_run_ends_with_the_metrics_and_weights_of_an_unbroken_one(
    inputs, tmp_path, kill_stage, curve, one_thread
):
    kill_stage("videmo.training.tree_rl", SETTINGS, inputs, tmp_path / "killed", rows=2)
    resumed = tree_rl.run(check_params(SETTINGS), inputs, tmp_path / "killed")
    unbroken = tree_rl.run(check_params(SETTINGS), inputs, tmp_path / "unbroken")
    assert curve(resumed.output) == curve(unbroken.output)
    weights, expected = (load_policy(report.output / "model").model.state_dict() for report in (resumed, unbroken))
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    rows = curve(unbroken.output)
    assert rows[0]["kl"] < rows[-1]["kl"]
    assert {"reward", "caption_tree", "question_qa", "clip_share", "spreadless_share", "leaves"} <= rows[0].keys()


def test_the_vision_tower_takes_part_under_gradient(inputs, tmp_path, one_thread, monkeypatch):
    passes = {"with gradient": 0, "without": 0}
    loaded = []

    def count(module, arguments, output):
        passes["with gradient" if output[0].requires_grad else "without"] += 1

    def counting(*arguments):
        policy = load_policy(*arguments)
        loaded.append(policy)
        policy.model.model.visual.register_forward_hook(count)
        return policy

    monkeypatch.setattr(tree_rl, "load_policy", counting)
    before = load_policy(inputs["sft_emotion"] / "model").model.model.visual.state_dict()
    report = tree_rl.run(check_params(SETTINGS), inputs, tmp_path / "rl")
    after = load_policy(report.output / "model").model.model.visual.state_dict()
    updates = 3 * 2  # steps, optimisation epochs
    assert passes["with gradient"] >= updates
    assert not all(torch.equal(after[name], before[name]) for name in after)
    assert not any(weight.requires_grad for weight in loaded[1].model.parameters())


def test_a_policy_that_samples_otherwise_than_it_trains_is_refused(noise_videos, speaking_policy):
    asked = [(noise_videos[0], PARTS["fine_caption"].question)]
    settings = Rl(max_segment_tokens=24)
    assert check_parity(speaking_policy, HfSampler(speaking_policy), asked, settings) < 1e-4
    hook = speaking_policy.model.model.language_model.norm.register_forward_hook(
        lambda module, inputs, output: output * (1.01 if torch.is_inference_mode_enabled() else 1.0)
    )
    try:
        with pytest.raises(ValueError, match=r"rl.parity_tolerance = 0.0001: .* differ by"):
            check_parity(speaking_policy, HfSampler(speaking_policy), asked, settings)
    finally:
        hook.remove()


def test_a_scorer_that_stops_at_its_ceiling_is_asked_for_the_rest_by_the_next_run(
    inputs, tmp_path, curve, chat_server, one_thread
):
    scorer = {"url": chat_server.url, "model": "m", "retries": 0, "max_requests": 9}
    settings = {"rl": {**SETTINGS["rl"], "question_clips": 0, "checkpoint_steps": 2, "reward": {"scorer": scorer}}}
    chat_server.reply = lambda instruction, content: str(len(content) % 101)
    with pytest.raises(CeilingReached, match=r"rl\.reward\.scorer\.max_requests = 9") as stopped:
        tree_rl.run(check_params(settings), inputs, tmp_path / "rl")
    assert "its batch is in" in stopped.value.__notes__[0]
    while True:
        try:
            report = tree_rl.run(check_params(settings), inputs, tmp_path / "rl")
            break
        except CeilingReached:
            continue
    assert len(chat_server.contents) == len(set(chat_server.contents))
    rows = curve(report.output)
    assert len(rows) == 3
    assert all(0 <= row["caption_scorer"] <= 1 for row in rows)


def test_a_key_that_is_missing_is_told_before_anything_is_loaded(tmp_path):
    scorer = {"url": "http://localhost/v1", "model": "m", "key_variable": "NO_SUCH_KEY"}
    with pytest.raises(SettingError, match=r"rl\.reward\.scorer\.key_variable = NO_SUCH_KEY: no such environment"):
        tree_rl.run(check_params({"rl": {"reward": {"scorer": scorer}}}), {}, tmp_path / "rl")


def test_a_step_that_fails_leaves_its_batch(inputs, tmp_path, one_thread):
    wild = {"rl": {**SETTINGS["rl"], "learning_rate": 1e30, "question_clips": 0}}
    with pytest.raises((FloatingPointError, ValueError)) as caught:
        tree_rl.run(check_params(wild), inputs, tmp_path / "rl")
    kept = next((tmp_path / "rl.partial").glob("failed-step-*.json"))
    assert str(kept) in caught.value.__notes__[0]
    assert len(json.loads(kept.read_text())["rollouts"]) == 2
