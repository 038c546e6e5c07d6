"""Rollouts as prefix trees: what the training pass of tree RL sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from videmo.backbone.chat import question_tokens, video_tokens
from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, PrefixTree, Segment
from videmo.generation.rollout import Rollout

FIRST_NODE = 2  # segment 0 is the video, 1 the question


def rollout_tree(policy: Policy, video: Video, question: str, rollout: Rollout) -> PrefixTree:
    """The video, the question, and the rollout's nodes: node i is segment i + 2."""
    first = [Segment(video_tokens(policy, video), -1), Segment(question_tokens(policy, question), 0)]
    nodes = [Segment(torch.tensor(node.tokens), node.parent + FIRST_NODE) for node in rollout.nodes]
    return PrefixTree(video, (*first, *nodes))


def rollout_mask(batch: PackedBatch) -> Tensor:
    """(B, L) bool: the sampled tokens in a batch of rollout trees."""
    return batch.segment >= FIRST_NODE


def sampled_logprobs(rollouts: Sequence[Rollout], mask: Tensor) -> Tensor:
    """(B, L) float32: what sampling kept of every token in `mask` (`rollout_mask`), 0 elsewhere."""
    kept = [logprob for rollout in rollouts for node in rollout.nodes for logprob in node.logprobs]
    return torch.zeros(mask.shape, device=mask.device).masked_scatter(mask, torch.tensor(kept, device=mask.device))


def per_token(values: Sequence[Tensor], batch: PackedBatch) -> Tensor:
    """(B, L) float32: values[b][i], of node i of rollout b, at each of the node's tokens; 0 elsewhere."""
    mask = rollout_mask(batch)
    spread = torch.zeros(mask.shape, device=mask.device)
    for row, of_nodes in enumerate(values):
        spread[row, mask[row]] = of_nodes.to(spread)[batch.segment[row, mask[row]] - FIRST_NODE]
    return spread


def micro_batches(trees: Sequence[PrefixTree], tokens: int) -> list[list[int]]:
    """Indices of `trees`, alike in length together, so that no group padded to its longest exceeds `tokens`; a tree
    that does so alone is a group of its own."""
    groups: list[list[int]] = []
    for index in sorted(range(len(trees)), key=lambda index: (len(trees[index]), index)):
        if groups and (len(groups[-1]) + 1) * len(trees[index]) <= tokens:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
