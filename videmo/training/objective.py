"""The maths of tree reinforcement learning: values, advantages against siblings, the clipped objective and its penalty.

Group-relative advantages and the clipped objective with a penalty to a reference follow GRPO (Shao et al. 2024,
"DeepSeekMath", eq. 3), here taken level by level of a rollout tree; separate lower and upper clips are DAPO's
"clip-higher" (Yu et al. 2025, eq. 8); the penalty is Schulman's k3 ("Approximating KL Divergence", 2020). A tree with
branching (G, 1, 1) is a chain: the same functions then are chain GRPO.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-4  # beside the standard deviation; rewards are in [0, 1]
SPREADLESS = 1e-9  # a spread below this is rounding, not a difference


@dataclass(frozen=True)
class Advantages:
    """`advantages` (nodes,); `groups`: sibling groups of two or more; `spreadless`: those whose members all agree."""

    advantages: Tensor
    groups: int
    spreadless: int


def leaves_below(parent: Sequence[int]) -> list[list[int]]:
    """For every node the leaves below it, itself where it is one. Parents come before their children; -1: no parent."""
    below: list[list[int]] = [[] for _ in parent]
    inner = set(parent)
    for node in range(len(parent)):
        if node in inner:
            continue
        ancestor = node
        while ancestor >= 0:
            below[ancestor].append(node)
            ancestor = parent[ancestor]
    return below


def node_values(rewards: Tensor, level_rewards: Tensor, parent: Sequence[int]) -> Tensor:
    """Value of every node of a rollout.

    v_i = R_i at a leaf; v_i = mean_{l below i} R_l + r_i at an inner node, R the mixed reward of a complete answer and
    r the tree reward of the node's own level: a segment answers for what follows from it and for what it says itself.

    rewards: (nodes,), read at leaves.  level_rewards: (nodes,), read at inner nodes.  Returns (nodes,) float64.
    """
    rewards, level_rewards = rewards.double(), level_rewards.double()
    values = torch.empty_like(rewards)
    for node, leaves in enumerate(leaves_below(parent)):
        own = 0.0 if leaves == [node] else level_rewards[node]
        values[node] = rewards[leaves].mean() + own
    return values


def level_advantages(values: Tensor, parent: Sequence[int], epsilon: float = EPSILON) -> Advantages:
    """Advantage of every node against its siblings.

    A_i = (v_i - mean_{j in S(i)} v_j) / (std_{j in S(i)} v_j + epsilon), S(i) the children of i's parent (the nodes
    without a parent are siblings of one another) and std the population's; 0 where all siblings agree. An only child
    takes its parent's advantage, 0 without one: no choice was made there, so it belongs to the choice before. This is
    what makes branching (G, 1, 1) plain GRPO, where every token of an answer carries the answer's advantage.

    values: (nodes,), parents before their children.  Returns (nodes,) advantages and the counts of groups.
    """
    advantages = torch.zeros_like(values)
    families: dict[int, list[int]] = defaultdict(list)
    for node, above in enumerate(parent):
        families[above].append(node)
    groups = spreadless = 0
    for above, siblings in families.items():  # in order of the first child, so a parent is always done before
        if len(siblings) == 1:
            advantages[siblings[0]] = advantages[above].item() if above >= 0 else 0.0
            continue
        groups += 1
        group = values[siblings]
        spread = group.std(correction=0)
        if spread < SPREADLESS:
            spreadless += 1
        else:
            advantages[siblings] = (group - group.mean()) / (spread + epsilon)
    return Advantages(advantages, groups, spreadless)


def clipped_terms(
    logprobs: Tensor, sampled: Tensor, advantages: Tensor, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """Loss of every token, and whether the clip holds it back.

    loss_t = -min(rho_t A_t, clip(rho_t, 1 - low, 1 + high) A_t), rho_t = exp(logprob_t - sampled_t).

    All of one shape; `sampled` are the log-probabilities of the policy that made the tokens. Returns (loss, held) of
    that shape, held a bool: the clipped side is the smaller one, so the token has no gradient.
    """
    ratio = torch.exp(logprobs - sampled)
    free = ratio * advantages
    bound = ratio.clamp(1 - low, 1 + high) * advantages
    return -torch.minimum(free, bound), bound < free


def kl_terms(logprobs: Tensor, reference: Tensor) -> Tensor:
    """Schulman's k3 estimate of KL(policy || reference) at every token: exp(d) - d - 1, d = reference - policy.

    Unbiased under the policy's own samples, never negative, and of low variance. Same shapes in and out.
    """
    difference = reference - logprobs
    return torch.expm1(difference) - difference


def token_mean(terms: Tensor, mask: Tensor, tokens: int | None = None) -> Tensor:
    """Mean over all tokens of the batch: every token weighs the same, so a long answer weighs more than a short one.

    `tokens`: the count to divide by where `terms` are a part of a larger batch; that of `mask` by default.
    """
    return (terms * mask).sum() / max(tokens if tokens is not None else int(mask.sum()), 1)


def sequence_mean(terms: Tensor, sequence: Tensor, sequences: int | None = None) -> Tensor:
    """Mean over sequences of the mean over each one's tokens: every sequence weighs the same whatever its length.

    sequence: same shape as `terms`, the number of the sequence a token belongs to, -1 where it belongs to none.
    `sequences`: the count to divide by where `terms` are a part of a larger batch.
    """
    inside = sequence >= 0
    if not inside.any():
        return terms.sum() * 0
    _, number = sequence[inside].unique(return_inverse=True)
    lengths = torch.bincount(number).to(terms)
    means = torch.zeros_like(lengths).index_add(0, number, terms[inside]) / lengths
    return means.sum() / (sequences or len(lengths))
