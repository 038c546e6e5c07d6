"""Rollouts as prefix trees, the input of the training pass of tree RL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, PrefixTree, Segment
from videmo.backbone.video import Video
from videmo.generation.rollout import Rollout
from videmo.settings.rl import Rl
from videmo.training.prompts import Prompts
from videmo.tree.model import LEVELS

FIRST_NODE = 2  # segment 0 is the video, 1 the question


def rollout_tree(policy: Policy, video: Video, question: str, rollout: Rollout) -> PrefixTree:
    """The video, the question, and the rollout's nodes: node i is segment i + 2."""
    first = [Segment(policy.video_tokens(video), -1), Segment(policy.question_tokens(question), 0)]
    nodes = [Segment(torch.tensor(node.tokens), node.parent + FIRST_NODE) for node in rollout.nodes]
    return PrefixTree(video, (*first, *nodes))


@dataclass(frozen=True)
class Piece:
    """Nodes of a rollout that fit into one sequence, parents before their children.

    own: (nodes,) whether each node counts here. A node that several pieces need for its children counts only in the
    first of them, so that every token of the rollout counts once.
    """

    nodes: tuple[int, ...]
    own: tuple[bool, ...]

    def of(self, rollout: Rollout) -> Rollout:
        """The rollout with only these nodes."""
        place = {node: index for index, node in enumerate(self.nodes)}
        nodes = [rollout.nodes[node] for node in self.nodes]
        return Rollout(tuple(replace(node, parent=place.get(node.parent, -1)) for node in nodes))


def pieces(rollout: Rollout, prefix: int, tokens: int) -> list[Piece]:
    """Split a rollout by its leaves so that no piece, with the `prefix` tokens before it, exceeds `tokens`.

    Raises ValueError if a single answer does.
    """
    cut: list[list[int]] = []
    used = 0
    for leaf in rollout.leaf_indices():
        path = rollout.path(leaf)
        new = [node for node in path if cut and node not in cut[-1]]
        more = sum(len(rollout.nodes[node].tokens) for node in new)
        if not cut or used + more > tokens:
            used = prefix + sum(len(rollout.nodes[node].tokens) for node in path)
            if used > tokens:
                raise ValueError(
                    f"execution.micro_tokens = {tokens}: one answer takes {used} tokens, {prefix} of them video and "
                    f"question; use at least {used}, or fewer data.frames or rl.max_segment_tokens"
                )
            cut.append(path)
        else:
            used += more
            cut[-1] += new
    seen: set[int] = set()
    result = []
    for nodes in map(sorted, cut):
        result.append(Piece(tuple(nodes), tuple(node not in seen for node in nodes)))
        seen.update(nodes)
    return result


def check_room(policy: Policy, asked: Prompts, videos: Callable[[str], Video], settings: Rl, micro_tokens: int) -> None:
    """Raise ValueError before the first step if the longest possible answer does not fit into a micro-batch.

    All clips have the same size, so one clip stands for all.
    """
    questions = [sample for deck in asked.questions for sample in deck.samples]
    sizes = []
    for samples, segments in ((asked.captions.samples, len(LEVELS)), (questions, 1)):
        for sample in sorted(samples, key=lambda sample: len(sample.question))[-1:]:
            prefix = len(rollout_tree(policy, videos(sample.clip), sample.question, Rollout(())))
            sizes.append((prefix + segments * settings.max_segment_tokens, prefix))
    needed, prefix = max(sizes)
    if needed > micro_tokens:
        raise ValueError(
            f"execution.micro_tokens = {micro_tokens}: an answer may take {needed} tokens, {prefix} of them "
            f"video and question; use at least {needed}, or fewer data.frames or rl.max_segment_tokens"
        )


def rollout_mask(batch: PackedBatch) -> Tensor:
    """(B, L) bool: the sampled tokens in a batch of rollout trees."""
    return batch.segment >= FIRST_NODE


def sampled_logprobs(rollouts: Sequence[Rollout], mask: Tensor) -> Tensor:
    """(B, L) float32: the log-probability of each token in `mask` (`rollout_mask`) when sampled, 0 elsewhere."""
    logprobs = [logprob for rollout in rollouts for node in rollout.nodes for logprob in node.logprobs]
    return torch.zeros(mask.shape, device=mask.device).masked_scatter(mask, torch.tensor(logprobs, device=mask.device))


def per_token(values: Sequence[Tensor], batch: PackedBatch) -> Tensor:
    """(B, L) float32: values[b][i] at every token of node i of rollout b, 0 elsewhere."""
    mask = rollout_mask(batch)
    spread = torch.zeros(mask.shape, device=mask.device)
    for row, of_nodes in enumerate(values):
        spread[row, mask[row]] = of_nodes.to(spread)[batch.segment[row, mask[row]] - FIRST_NODE]
    return spread


def micro_batches(trees: Sequence[PrefixTree], tokens: int) -> list[list[int]]:
    """Groups of indices of `trees` of similar length, such that no group exceeds `tokens` when padded to its longest.

    A tree that exceeds `tokens` by itself is a group of its own.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(trees)), key=lambda index: (len(trees[index]), index)):
        if groups and (len(groups[-1]) + 1) * len(trees[index]) <= tokens:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
