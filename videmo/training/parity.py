"""Sampling and training must mean the same by a log-probability: checked before every run of tree RL."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import collate, token_logprobs
from videmo.generation.hf import HfSampler
from videmo.generation.sampler import Prompt
from videmo.settings.rl import Rl
from videmo.training.forest import rollout_mask, rollout_tree, sampled_logprobs


def parity_gap(policy: Policy, sampler: HfSampler, asked: Sequence[Prompt], settings: Rl) -> float:
    """The largest difference between a token's log-probability kept from sampling and that of the training pass."""
    rollouts = sampler.grow(
        asked, settings.branching, settings.temperature, settings.seed, min(settings.max_segment_tokens, 32)
    )
    trees = [rollout_tree(policy, *prompt, rollout) for prompt, rollout in zip(asked, rollouts, strict=True)]
    batch = collate(policy, trees)
    wanted = rollout_mask(batch)
    with torch.no_grad():
        trained = token_logprobs(policy, batch, wanted, settings.temperature)
    return float((trained - sampled_logprobs(rollouts, wanted)).abs().max())


def check_parity(policy: Policy, sampler: HfSampler, asked: Sequence[Prompt], settings: Rl) -> float:
    """`parity_gap`. Raises ValueError where it exceeds rl.parity_tolerance: the ratios of the objective would be wrong
    from the first step on, and training would go on silently."""
    gap = parity_gap(policy, sampler, asked, settings)
    if not gap <= settings.parity_tolerance:
        raise ValueError(
            f"rl.parity_tolerance = {settings.parity_tolerance:g}: log-probabilities from sampling and from training "
            f"differ by {gap:.2g}; use backbone.dtype = float32, or a tolerance that this precision can keep"
        )
    return gap
