"""Parity check before tree RL: sampling and training must give the same log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import collate, token_logprobs
from videmo.generation.draws import seed_of
from videmo.generation.hf import HfSampler
from videmo.generation.sampler import Prompt
from videmo.settings.rl import Rl
from videmo.training.forest import rollout_mask, rollout_tree, sampled_logprobs


def parity_gap(policy: Policy, sampler: HfSampler, prompts: Sequence[Prompt], settings: Rl) -> float:
    """The largest difference between a token's log-probability in sampling and in the training pass."""
    seeds = [seed_of(settings.seed, place) for place in range(len(prompts))]
    tokens = min(settings.max_segment_tokens, 32)
    rollouts = sampler.grow(prompts, seeds, settings.branching, settings.temperature, tokens)
    trees = [rollout_tree(policy, *prompt, rollout) for prompt, rollout in zip(prompts, rollouts, strict=True)]
    batch = collate(policy, trees)
    mask = rollout_mask(batch)
    with torch.no_grad():
        trained = token_logprobs(policy, batch, mask, settings.temperature)
    return float((trained - sampled_logprobs(rollouts, mask)).abs().max())


def check_parity(policy: Policy, sampler: HfSampler, prompts: Sequence[Prompt], settings: Rl) -> float:
    """`parity_gap`; raises ValueError if it exceeds rl.parity_tolerance.

    The ratios of the objective would otherwise be wrong from the first step, without any error.
    """
    gap = parity_gap(policy, sampler, prompts, settings)
    if not gap <= settings.parity_tolerance:
        raise ValueError(
            f"rl.parity_tolerance = {settings.parity_tolerance:g}: log-probabilities of sampling and training "
            f"differ by {gap:.2g}; use backbone.dtype = float32, or a tolerance that fits this precision"
        )
    return gap
