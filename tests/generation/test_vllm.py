"""Runs where vLLM is installed (docs/sampling.md); one engine for all of it, since starting one takes half a minute."""

import pytest
import torch

from videmo.backbone.prefix_tree import collate, token_logprobs
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.generation.hf import HfSampler
from videmo.tasks.catalog import PARTS
from videmo.training.forest import rollout_mask, rollout_tree, sampled_logprobs

pytest.importorskip("vllm")
from videmo.generation.vllm import VllmSampler

DESCRIBE = PARTS["fine_caption"].question
APART = 5e-3  # of vLLM's float32 on a CPU from transformers'; positions laid in another way miss by 1e-2 and more


@pytest.fixture(scope="module")
def sampler(speaking_policy):
    return VllmSampler(speaking_policy)


@pytest.fixture(scope="module")
def prompts(noise_videos):
    return [(video, question) for video in noise_videos[:2] for question in (DESCRIBE, "What is the age?")]


def test_greedy_answers_are_those_of_transformers(sampler, prompts, speaking_policy):
    expected = HfSampler(speaking_policy).answer(prompts, max_new_tokens=40)
    for found, wanted in zip(sampler.answer(prompts, max_new_tokens=40), expected, strict=True):
        assert (found.text, found.tokens) == (wanted.text, wanted.tokens)
        assert found.logprobs == pytest.approx(wanted.logprobs, abs=APART)


@pytest.mark.parametrize("branching", [(3, 2, 2), (6,)])
def test_log_probabilities_of_sampling_are_close_to_those_of_the_training_pass(
    sampler, prompts, speaking_policy, branching
):
    rollouts = sampler.grow(prompts, range(len(prompts)), branching, temperature=1.3, max_segment_tokens=30)
    trees = [rollout_tree(speaking_policy, *prompt, grown) for prompt, grown in zip(prompts, rollouts, strict=True)]
    batch = collate(speaking_policy, trees)
    wanted = rollout_mask(batch)
    with torch.no_grad():
        trained = token_logprobs(speaking_policy, batch, wanted, temperature=1.3)
    assert (trained - sampled_logprobs(rollouts, wanted)).abs().max() < APART


def test_the_same_seed_grows_the_same_trees(sampler, prompts):
    grown = [sampler.grow(prompts, range(seed, seed + len(prompts)), max_segment_tokens=30) for seed in (3, 3, 99)]
    texts = [[node.text for rollout in rollouts for node in rollout.nodes] for rollouts in grown]
    assert texts[0] == texts[1] != texts[2]


def test_segments_end_at_their_tags_and_only_the_kept_one_goes_on(sampler, prompts):
    rollouts = sampler.grow(
        prompts[::2], range(len(prompts[::2])), (3, 3, 3), max_segment_tokens=30, keep=lambda _, siblings: siblings[1]
    )
    for rollout in rollouts:
        assert set(rollout.parents) <= {-1, 1, 4}
        assert all(node.text.endswith(f"</{node.level}>") for node in rollout.nodes[:6] if node.complete)
    assert any(len(rollout.nodes) == 9 for rollout in rollouts)


def test_siblings_share_what_is_before_them(sampler, noise_videos):
    """Whole blocks of keys and values are shared, of 128 tokens on a CPU: hence a long question."""
    _, opened = next(sampler._open([(noise_videos[0], "What is the age? " * 60)] * 8))
    from vllm import SamplingParams

    outputs = sampler._engine.generate(opened, SamplingParams(max_tokens=1), use_tqdm=False)
    cached = sorted(output.num_cached_tokens for output in outputs)
    assert cached[0] == 0
    assert all(count >= 128 for count in cached[1:])


def test_it_follows_the_policy_and_forgets_the_one_before(sampler, prompts, speaking_policy):
    before = sampler.answer(prompts, max_new_tokens=20)
    other = speaking_policy.with_model(random_policy(7).model)
    sampler.follow(other)
    expected = HfSampler(other).answer(prompts, max_new_tokens=20)
    assert [answer.tokens for answer in sampler.answer(prompts, max_new_tokens=20)] == [a.tokens for a in expected]
    sampler.follow(speaking_policy)
    assert [answer.tokens for answer in sampler.answer(prompts, max_new_tokens=20)] == [a.tokens for a in before]
