import json
import re

import pytest
import torch
from default_settings import params_with, rl_settings

from videmo.backbone.loading import load_policy
from videmo.generation.hf import HfSampler
from videmo.llm.client import CeilingReached
from videmo.settings.errors import SettingError
from videmo.settings.sections import TreeRlSettings
from videmo.tasks.catalog import PARTS
from videmo.training import tree_rl
from videmo.training.parity import check_parity

SETTINGS = {
    "rl": {
        "branching": [2, 1, 2], "steps": 3, "batch_clips": 2, "question_clips": 1, "learning_rate": 1e-4,
        "max_segment_tokens": 24, "optimisation_epochs": 2,
    },
    "backbone": {"freeze_vision": False},
    "execution": {"rl_checkpoint_steps": 1},
}  # fmt: skip


def train(settings, inputs, output):
    return tree_rl.run(TreeRlSettings.of(params_with(settings), "tree_rl"), inputs, output)


@pytest.fixture
def inputs(built_data, speaking_model):
    return {"data_build": built_data, "sft_emotion": speaking_model}


def test_a_run_logs_every_reward_and_how_far_the_policy_has_moved(inputs, tmp_path, curve, one_thread):
    rows = curve(train(SETTINGS, inputs, tmp_path / "rl").output)
    assert rows[0]["kl"] < rows[-1]["kl"]
    terms = {"caption_tree", "caption_attribute", "caption_expression", "caption_emotion", "caption_format"}
    assert {"reward", *terms, "question_qa", "question_format"} <= rows[0].keys()
    assert {"clip_share", "ratio_shift", "spreadless_share", "leaves", "updates"} <= rows[0].keys()


def test_the_vision_tower_takes_part_under_gradient(inputs, tmp_path, curve, one_thread, monkeypatch):
    passes = {"with gradient": 0, "without": 0}
    loaded = []

    def count(module, arguments, output):
        passes["with gradient" if output[0].requires_grad else "without"] += 1

    def counting(*arguments):
        policy = load_policy(*arguments)
        loaded.append(policy)
        policy.tower.register_forward_hook(count)
        return policy

    monkeypatch.setattr(tree_rl, "load_policy", counting)
    before = load_policy(inputs["sft_emotion"] / "model").tower.state_dict()
    report = train(SETTINGS, inputs, tmp_path / "rl")
    after = load_policy(report.output / "model").tower.state_dict()
    updates = sum(row["updates"] for row in curve(report.output))
    assert passes["with gradient"] >= updates > 0
    assert not all(torch.equal(after[name], before[name]) for name in after)
    assert not any(weight.requires_grad for weight in loaded[1].model.parameters())


def test_a_policy_that_samples_otherwise_than_it_trains_is_refused(noise_videos, speaking_policy):
    asked = [(noise_videos[0], PARTS["fine_caption"].question)]
    settings = rl_settings(max_segment_tokens=24)
    assert check_parity(speaking_policy, HfSampler(speaking_policy), asked, settings) < 1e-4
    hook = speaking_policy.decoder.norm.register_forward_hook(
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
    scorer = {"url": chat_server.url, "model": "m"}
    settings = {
        "rl": {**SETTINGS["rl"], "question_clips": 0, "reward": {"scorer": scorer}},
        "execution": {"rl_checkpoint_steps": 2, "endpoint": {"retries": 0, "max_requests": 3}},
    }
    chat_server.reply = lambda instruction, content: str(len(content) % 101)
    with pytest.raises(CeilingReached, match=r"execution\.endpoint\.max_requests = 3") as stopped:
        train(settings, inputs, tmp_path / "rl")
    assert "its batch is in" in stopped.value.__notes__[0]
    while True:
        try:
            report = train(settings, inputs, tmp_path / "rl")
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
        train({"rl": {"reward": {"scorer": scorer}}}, {}, tmp_path / "rl")


def kept_batch(output, caught):
    kept = next(output.with_name(output.name + ".partial").glob("failed-step-*.json"))
    assert str(kept) in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    return json.loads(kept.read_text(), parse_constant=pytest.fail)  # NaN is no JSON


def test_a_loss_that_is_not_finite_ends_the_run_and_leaves_its_batch(inputs, tmp_path, one_thread):
    wild = {"rl": {**SETTINGS["rl"], "learning_rate": 1e30, "question_clips": 0}}
    with pytest.raises(FloatingPointError, match=r"is nan.*; lower rl\.learning_rate \(step 1 of tree RL") as caught:
        train(wild, inputs, tmp_path / "rl")
    batch = kept_batch(tmp_path / "rl", caught)
    assert len(batch["samples"]) == len(batch["rollouts"]) == len(batch["rewards"]) == 2
    assert all(sample["question"] for sample in batch["samples"])
    assert all(answer.startswith("<attribute>") for answers in batch["answers"] for answer in answers)
    assert not (tmp_path / "rl.partial" / "metrics.jsonl").exists()


def test_a_reward_that_raises_ends_the_run_and_leaves_its_batch(inputs, tmp_path, one_thread, monkeypatch):
    scores = iter([tree_rl.score])

    def broken(*arguments):
        return next(scores)(*arguments)  # StopIteration at the second sample

    monkeypatch.setattr(tree_rl, "score", broken)
    with pytest.raises(StopIteration) as caught:
        train(SETTINGS, inputs, tmp_path / "rl")
    batch = kept_batch(tmp_path / "rl", caught)
    assert (len(batch["samples"]), len(batch["rollouts"]), len(batch["rewards"])) == (2, 2, 1)
    monkeypatch.undo()
    report = train(SETTINGS, inputs, tmp_path / "rl")
    assert not list(report.output.glob("failed-*"))


@pytest.mark.parametrize(("sampling", "setting"), [(True, "rl.branching"), (False, "execution.micro_tokens")])
def test_memory_that_runs_out_ends_the_run_with_the_settings_that_bound_it(
    inputs, tmp_path, one_thread, monkeypatch, sampling, setting
):
    def full(module, arguments):
        if torch.is_inference_mode_enabled() == sampling:
            raise torch.OutOfMemoryError("out of memory")

    def loading(*arguments):
        policy = load_policy(*arguments)
        policy.decoder.register_forward_pre_hook(full)
        return policy

    monkeypatch.setattr(tree_rl, "check_room", lambda *arguments: None)
    monkeypatch.setattr(tree_rl, "_check", lambda *arguments: 0.0)
    monkeypatch.setattr(tree_rl, "load_policy", loading)
    with pytest.raises(torch.OutOfMemoryError, match=f"out of memory; lower .*{re.escape(setting)}") as caught:
        train(SETTINGS, inputs, tmp_path / "rl")
    assert len(kept_batch(tmp_path / "rl", caught)["samples"]) == 2


def test_a_policy_that_closes_no_segment_is_trained_on_what_it_says_and_its_answers_are_counted(
    inputs, tmp_path, curve, one_thread
):
    settings = {**SETTINGS, "rl": {**SETTINGS["rl"], "max_segment_tokens": 3, "question_clips": 0}}
    rows = curve(train(settings, inputs, tmp_path / "rl").output)
    assert [row["unfinished_share"] for row in rows] == [1, 1, 1]
    assert [row["caption_format"] for row in rows] == [0, 0, 0]
    assert [row["leaves"] for row in rows] == [4, 4, 4]  # two clips, two attribute segments that go nowhere


def test_groups_that_agree_are_counted_and_move_nothing(inputs, tmp_path, curve, one_thread):
    settings = {**SETTINGS, "rl": {**SETTINGS["rl"], "temperature": 0.01, "parity_tolerance": 0.01, "steps": 1}}
    report = train(settings, inputs, tmp_path / "rl")
    (row,) = curve(report.output)
    assert row["groups"] == row["spreadless_groups"] > 0
    assert (row["spreadless_share"], row["updates"]) == (1, 0)
    weights, before = (
        load_policy(path / "model").model.state_dict() for path in (report.output, inputs["sft_emotion"])
    )
    assert all(torch.equal(weights[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"rl": {**SETTINGS["rl"], "parity_tolerance": 1e-12}}, r"rl\.parity_tolerance = 1e-12: .* differ by"),
        ({**SETTINGS, "execution": {"micro_tokens": 50}}, r"execution\.micro_tokens = 50: an answer may take"),
    ],
)
def test_a_run_that_could_only_go_wrong_is_refused_before_its_first_step(inputs, tmp_path, one_thread, settings, told):
    with pytest.raises(ValueError, match=told):
        train(settings, inputs, tmp_path / "rl")
    assert not (tmp_path / "rl.partial" / "metrics.jsonl").exists()


@pytest.mark.parametrize("scale", ["level", "none"])
def test_advantages_may_be_scaled_by_level_or_not_at_all(inputs, tmp_path, curve, one_thread, scale):
    settings = {"rl": {**SETTINGS["rl"], "advantage_scale": scale, "aggregation": "sequence", "steps": 1}}
    (row,) = curve(train(settings, inputs, tmp_path / "rl").output)
    assert row["updates"] == 2
