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
