from math import isfinite

import pytest
import torch
from default_settings import execution_settings
from hypothesis import given
from hypothesis import strategies as st

from videmo.backbone.prefix_tree import collate
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.data.samples import Sample
from videmo.settings.sft import Lora
from videmo.training.batches import answer_mask, sample_tree
from videmo.training.engine import TrainingEngine, learning_rate
from videmo.training.lora import add_lora, merge_lora


def small_batch(policy, videos):
    samples = [Sample("", "", "age", "attribute", "train", "What is the age?", answer) for answer in ("young", "old")]
    return collate(policy, [sample_tree(policy, video, samples) for video in videos])


def losses(policy, videos, zero_stage=0, steps=3, micro_batches=1):
    engine = TrainingEngine(policy, execution_settings(zero_stage=zero_stage), gradient_clip=1.0)
    batches = [small_batch(policy, videos[index::micro_batches]) for index in range(micro_batches)]
    tokens = sum(int(answer_mask(batch).sum()) for batch in batches)
    computed = [lambda batch=batch: -engine.logprobs(batch, answer_mask(batch)).sum() / tokens for batch in batches]
    found = [engine.update(computed, learning_rate=1e-3) for _ in range(steps)]
    engine.close()
    return found


@given(st.integers(1, 500), st.floats(0, 0.5))
def test_the_rate_climbs_to_its_peak_and_falls(steps, warmup):
    rates = [learning_rate(step, steps, warmup, 2.0) for step in range(steps)]
    peak = rates.index(max(rates))
    assert max(rates) <= 2.0
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] > 0


@pytest.mark.parametrize("zero_stage", [1, 2, 3])
def test_every_zero_stage_gives_the_same_losses(noise_videos, one_thread, zero_stage):
    plain = losses(random_policy(0), noise_videos)
    assert plain[2] < plain[0]
    assert losses(random_policy(0), noise_videos, zero_stage) == pytest.approx(plain, abs=1e-5)


def test_micro_batches_add_up_to_the_whole(noise_videos, one_thread):
    whole = losses(random_policy(0), noise_videos)
    assert losses(random_policy(0), noise_videos, micro_batches=2) == pytest.approx(whole, abs=1e-5)


def test_a_loss_that_is_not_finite_changes_nothing(noise_videos, one_thread):
    policy = random_policy(0)
    engine = TrainingEngine(policy, execution_settings(), gradient_clip=1.0)
    before = [weight.clone() for weight in policy.model.parameters()]
    weight = next(policy.model.parameters())
    with pytest.raises(FloatingPointError, match="nan in micro-batch 2 of 2"):
        engine.update([lambda: weight.sum(), lambda: weight.sum() * torch.nan], learning_rate=1e-3)
    assert all(torch.equal(now, then) for now, then in zip(policy.model.parameters(), before, strict=True))


@pytest.mark.parametrize("zero_stage", [0, 1, 2, 3])
def test_a_gradient_that_is_not_finite_changes_nothing_though_the_loss_is(noise_videos, one_thread, zero_stage):
    policy = random_policy(0)
    engine = TrainingEngine(policy, execution_settings(zero_stage=zero_stage), gradient_clip=1.0)
    batch = small_batch(policy, noise_videos[:1])
    before = {name: weight.clone() for name, weight in engine.whole().model.state_dict().items()}

    def pole():
        logprobs = engine.logprobs(batch, answer_mask(batch))
        return (logprobs - logprobs.detach()).sqrt().sum()  # 0, with an infinite slope

    with pytest.raises(FloatingPointError, match="the loss is finite, "):
        engine.update([pole], learning_rate=1e-3)
    after = engine.whole().model.state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert isfinite(engine.update([lambda: -engine.logprobs(batch, answer_mask(batch)).mean()], learning_rate=1e-3))
    engine.close()


def test_adapters_train_alone_and_leave_a_plain_model(noise_videos, one_thread):
    policy = random_policy(0)
    before = {name: weight.clone() for name, weight in policy.model.state_dict().items()}
    adapted = add_lora(policy, Lora(rank=4), seed=0)
    found = losses(policy, noise_videos)
    merge_lora(adapted)
    after = policy.model.state_dict()
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert found[2] < found[0]
    assert after.keys() == before.keys()
    assert changed
    assert all("language_model" in name and "_proj" in name for name in changed)
