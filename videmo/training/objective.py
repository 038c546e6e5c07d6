"""The maths of tree reinforcement learning: values, advantages against siblings, clipped objective, KL penalty.

Group-relative advantages and the clipped objective with a penalty to a reference follow GRPO (Shao et al. 2024,
"DeepSeekMath", eq. 3), here taken level by level of a rollout tree; separate lower and upper clips are DAPO's
"clip-higher" (Yu et al. 2025, eq. 8), as is the mean over tokens; the penalty is Schulman's k3 ("Approximating KL
Divergence", 2020) with the importance ratio of DeepSeek-V3.2 (2025, eq. 7). A tree with branching (G, 1, 1) is a chain:
with it, the same functions are chain GRPO.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-4  # added to the standard deviation; rewards are in [0, 1]
SPREADLESS = 1e-9  # a smaller spread is rounding


@dataclass(frozen=True)
class Advantages:
    """`advantages` (nodes,); `groups`: sibling groups of two or more; `spreadless`: groups whose members all agree.

    `choice` (nodes,) int64: the node at which the tokens of each node were chosen among siblings. That is the node
    itself or, for an only child, the nearest ancestor with siblings. It is -1 if there is none, or if the siblings all
    agree: the choice made no difference, and the tokens are left out of the loss.
    """

    advantages: Tensor
    choice: Tensor
    groups: int
    spreadless: int


def leaves_below(parent: Sequence[int]) -> list[list[int]]:
    """The leaves below every node; of a leaf, itself. Parents come before their children; -1 means no parent."""
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

    v_i = mean_{l below i} R_l + r_i if several leaves are below i, R the mixed reward of a complete answer and r the
    tree reward of the node's own level: a segment is responsible for what follows from it and for what it says itself.
    v_i = R_l if only leaf l is below i, or i is l: such a node stands for its complete answer, as every node of a chain
    does.

    rewards: (nodes,), read at leaves.  level_rewards: (nodes,), read at inner nodes.  Returns (nodes,) float64.
    """
    rewards, level_rewards = rewards.double(), level_rewards.double()
    values = torch.empty_like(rewards)
    for node, leaves in enumerate(leaves_below(parent)):
        own = level_rewards[node] if len(leaves) > 1 else 0.0
        values[node] = rewards[leaves].mean() + own
    return values


def level_advantages(values: Tensor, parent: Sequence[int], by_group: bool = True) -> Advantages:
    """Advantage of every node against its siblings.

    A_i = (v_i - mean_{j in S(i)} v_j) / (std_{j in S(i)} v_j + epsilon), S(i) the children of i's parent (the nodes
    without a parent are siblings of each other) and std the population's; 0 if all siblings agree. An only child takes
    its parent's advantage, or 0 without a parent: no choice was made there, so it belongs to the choice before. This
    makes branching (G, 1, 1) plain GRPO, where every token of an answer has the answer's advantage.

    by_group: whether to divide. Without division this is Dr. GRPO's advantage (Liu et al. 2025, "Understanding
    R1-Zero-Like Training", section 3.1). In groups of two, division leaves only the sign.

    values: (nodes,), parents before their children.
    """
    advantages = torch.zeros_like(values)
    choice = torch.full(values.shape, -1)
    families: dict[int, list[int]] = defaultdict(list)
    for node, above in enumerate(parent):
        families[above].append(node)
    groups = spreadless = 0
    for above, siblings in families.items():  # in order of the first child, so a parent is always done before
        if len(siblings) == 1:
            if above >= 0:
                advantages[siblings[0]], choice[siblings[0]] = advantages[above].item(), choice[above].item()
            continue
        groups += 1
        group = values[siblings]
        spread = group.std(correction=0)
        if spread < SPREADLESS:
            spreadless += 1
        else:
            advantages[siblings] = (group - group.mean()) / (spread + EPSILON if by_group else 1.0)
            choice[siblings] = torch.tensor(siblings)
    return Advantages(advantages, choice, groups, spreadless)


def clipped_terms(
    logprobs: Tensor, sampled: Tensor, advantages: Tensor, low: float, high: float
) -> tuple[Tensor, Tensor]:
    """Loss of every token, and whether it is clipped.

    loss_t = -min(rho_t A_t, clip(rho_t, 1 - low, 1 + high) A_t), rho_t = exp(logprob_t - sampled_t).

    All have one shape; `sampled` are the log-probabilities of the policy that sampled the tokens. Returns (loss,
    clipped) of that shape. clipped, a bool: the clipped side is the smaller one, so that the token has no gradient.
    """
    ratio = torch.exp(logprobs - sampled)
    free = ratio * advantages
    bound = ratio.clamp(1 - low, 1 + high) * advantages
    return -torch.minimum(free, bound), bound < free


def kl_terms(logprobs: Tensor, reference: Tensor, sampled: Tensor) -> Tensor:
    """Estimate of KL(policy || reference) at every token: low variance, never negative.

    rho_t (exp(d_t) - d_t - 1), d_t = reference_t - logprob_t: Schulman's k3, which is unbiased on samples of the policy
    itself. The factor rho_t = exp(logprob_t - sampled_t) makes it and its gradient unbiased on samples of the policy
    that made the tokens (DeepSeek-V3.2 2025, eq. 7). Without the factor, from the second epoch on, one token whose
    probability an update has ruined outweighs all others, because exp(d_t) is unbounded.

    Same shapes in and out.
    """
    difference = (reference - logprobs).double()  # exp overflows in float32 from 89 on
    ratio = torch.exp((logprobs - sampled).double())
    return (ratio * (torch.expm1(difference) - difference)).to(logprobs)


def token_weights(counted: Tensor) -> Tensor:
    """Weight of each token of every node in the mean over all tokens of the batch (DAPO, eq. 8).

    All tokens weigh the same, so that a long answer weighs more than a short one. A token that several answers share is
    in the tree once.

    counted: (nodes,) bool.  Returns (nodes,) float64, not normalised: the loss is the weighted mean over all tokens.
    """
    return counted.double()


def sequence_weights(counted: Tensor, lengths: Sequence[int], parent: Sequence[int]) -> Tensor:
    """Weight of each token of every node in the mean over answers of the mean over each answer's tokens (GRPO, eq. 3).

    Every answer weighs the same, whatever its length.

    w_i = sum_{l below i} 1 / n_l, n_l = sum of the lengths of the counted nodes on the path to leaf l: a token that
    several answers share counts in each of them.

    counted: (nodes,) bool.  lengths: (nodes,) tokens.  Returns (nodes,) float64, not normalised: the sum over a
    rollout's tokens is the number of its leaves with counted tokens.
    """
    weights = torch.zeros(len(parent), dtype=torch.float64)
    counts = counted.tolist()
    for leaf, below in enumerate(leaves_below(parent)):
        if below != [leaf]:
            continue
        path = [node for node in _path(leaf, parent) if counts[node]]
        if path:
            weights[path] += 1 / sum(lengths[node] for node in path)
    return weights


def _path(node: int, parent: Sequence[int]) -> list[int]:
    path = []
    while node >= 0:
        path.append(node)
        node = parent[node]
    return path
