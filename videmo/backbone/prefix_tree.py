"""Prefix trees: many texts about one clip in one sequence, with every shared prefix computed once.

A curriculum pack (one video, many questions and answers) and a tree rollout (one video, one question, branching
segments) are the same thing: segments of tokens, each with a parent. Packed into one sequence, a token attends to the
tokens of its own path only (a tree attention mask), and its rotary position runs on along its path, so
log-probabilities and gradients equal those of the unpacked paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.backbone.video import Video


@dataclass(frozen=True, eq=False)
class Segment:
    """tokens: (n,) int64, n >= 1; parent: index of the segment it continues, -1 for the root."""

    tokens: Tensor
    parent: int


@dataclass(frozen=True, eq=False)
class PrefixTree:
    """segments[0] is the root: the video and what stands before the questions. Parents come before their children."""

    video: Video
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        return sum(len(segment.tokens) for segment in self.segments)


@dataclass(frozen=True, eq=False)
class PackedBatch:
    """Trees side by side, padded to the longest: B trees, L tokens.

    input_ids (B, L); position_ids (3, B, L): time, height, width; mask (B, 1, L, L) additive; previous (B, L): index of
    the token before on the path (0 for the first); segment (B, L): index of the token's segment, -1 at padding;
    pixels and grids: the videos, one after the other.
    """

    input_ids: Tensor
    position_ids: Tensor
    mask: Tensor
    previous: Tensor
    segment: Tensor
    videos: tuple[Video, ...]


def collate(policy: Policy, trees: Sequence[PrefixTree]) -> PackedBatch:
    """Pack `trees` for one forward pass of `policy`, on its device."""
    length = max(len(tree) for tree in trees)
    packed = [_pack(policy, tree, length) for tree in trees]
    input_ids, positions, attends, previous, segment = (torch.stack(parts) for parts in zip(*packed, strict=True))
    dtype = policy.model.dtype
    mask = torch.zeros(attends.shape, dtype=dtype).masked_fill(~attends, torch.finfo(dtype).min)[:, None]
    device = policy.device
    return PackedBatch(
        input_ids.to(device),
        positions.permute(1, 0, 2).to(device),
        mask.to(device),
        previous.to(device),
        segment.to(device),
        tuple(tree.video for tree in trees),
    )


def token_logprobs(policy: Policy, batch: PackedBatch, wanted: Tensor, temperature: float = 1.0) -> Tensor:
    """Log-probability of every `wanted` token given its path, under the policy at `temperature`.

    wanted: (B, L) bool, never at a root's first token. Returns (B, L) float32 (float64 of a float64 model), 0 where not
    wanted; differentiable, through the vision tower too where it looks at the videos now.
    """
    hidden = policy.read(batch.input_ids, batch.position_ids, batch.mask, policy.features(batch.videos))
    rows, columns = wanted.nonzero(as_tuple=True)
    # Only the rows that predict a wanted token meet the vocabulary: logits are the largest tensor of all.
    logits = policy.logits(hidden[rows, batch.previous[rows, columns]])
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature
    chosen = torch.log_softmax(logits, dim=-1).gather(1, batch.input_ids[rows, columns, None])[:, 0]
    return torch.zeros(wanted.shape, device=chosen.device, dtype=chosen.dtype).index_put((rows, columns), chosen)


def _pack(policy: Policy, tree: PrefixTree, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """input_ids (L,), positions (3, L), attends (L, L) bool, previous (L,), segment (L,) of one tree."""
    tokens = torch.zeros(length, dtype=torch.long)
    positions = torch.zeros(3, length, dtype=torch.long)
    attends = torch.eye(length, dtype=torch.bool)  # padding attends to itself: an empty row has no softmax
    previous = torch.zeros(length, dtype=torch.long)
    segment_of = torch.full((length,), -1)
    spans: list[tuple[int, int]] = []
    start = 0
    for index, segment in enumerate(tree.segments):
        end = start + len(segment.tokens)
        tokens[start:end] = segment.tokens
        segment_of[start:end] = index
        previous[start:end] = torch.arange(start - 1, end - 1)
        if segment.parent < 0:
            positions[:, start:end] = policy.positions(segment.tokens, tree.video.grid)
            previous[start] = 0
        else:
            _, parent_end = spans[segment.parent]
            previous[start] = parent_end - 1
            # A segment ends in text, whose three axes agree; a video's time axis may run ahead of the text after it.
            first = int(positions[0, parent_end - 1]) + 1
            positions[:, start:end] = torch.arange(first, first + end - start)
            attends[start:end, :start] = attends[parent_end - 1, :start]
        attends[start:end, start:end] = torch.ones(end - start, end - start, dtype=torch.bool).tril()
        spans.append((start, end))
        start = end
    return tokens, positions, attends, previous, segment_of
