"""Paths of tokens through a transformers model: extended many at a time, each attending to its own tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.backbone.video import Video
from videmo.generation.cache import PathCache, stack


@dataclass(eq=False)
class Paths:
    """Paths that wait for their next token: their cache, and logits (rows, vocabulary) float32 of what comes next."""

    cache: PathCache
    logits: Tensor

    def select(self, rows: Sequence[int], room: int = 0) -> Paths:
        index = torch.as_tensor(list(rows), dtype=torch.long, device=self.logits.device)
        return Paths(self.cache.select(rows, self.cache.length + room), self.logits[index])


def video_prefixes(policy: Policy, videos: Sequence[Video]) -> PathCache:
    """One path a video: all that stands before a question, through the vision tower and the language model."""
    tokens = [policy.video_tokens(video) for video in videos]
    width = max(len(path) for path in tokens)
    cache = PathCache.empty(len(videos), policy.model.dtype, policy.device)
    positions = torch.zeros(3, len(videos), width, dtype=torch.long)
    for row, (path, video) in enumerate(zip(tokens, videos, strict=True)):
        positions[:, row, : len(path)] = policy.positions(path, video.grid)
    lengths = torch.tensor([len(path) for path in tokens])
    padded = _padded(tokens, width).to(policy.device)
    _forward(policy, cache, padded, positions.to(policy.device), lengths, policy.features(videos))
    last = positions[0].gather(1, lengths[:, None] - 1)[:, 0]
    cache.position = (last + 1).to(policy.device)
    return cache


def extend(policy: Policy, cache: PathCache, tokens: Sequence[Tensor]) -> Paths:
    """Put `tokens[row]` (at least one) behind every path of `cache`, which is used up; the rows keep their order."""
    lengths = torch.tensor([len(path) for path in tokens])
    width = int(lengths.max())
    positions = (cache.position[:, None] + torch.arange(width, device=policy.device)).expand(3, -1, -1)
    hidden = _forward(policy, cache, _padded(tokens, width).to(policy.device), positions, lengths)
    cache.position = cache.position + lengths.to(policy.device)
    return Paths(cache, _logits(policy, hidden))


def step(policy: Policy, cache: PathCache, tokens: Tensor, live: Tensor) -> Paths:
    """Put one token behind every path. tokens (rows,); live (rows,) bool: False where the path is over, so that its
    token is there for the shape only and nothing attends to it."""
    cache.reserve(1)
    end = cache.length + 1
    cache.bias[:, cache.length] = cache.bias.new_zeros(len(live)).masked_fill(~live, torch.finfo(cache.bias.dtype).min)
    hidden = policy.read_one(tokens, cache.bias[:, None, None, :end], cache)
    cache.length = end
    cache.position = cache.position + live
    return Paths(cache, _logits(policy, hidden))


def prefix_cache(policy: Policy, videos: Sequence[Video], rows: int) -> PathCache:
    """`video_prefixes` of any number of videos, `rows` at a time."""
    parts = [video_prefixes(policy, videos[start : start + rows]) for start in range(0, len(videos), rows)]
    return parts[0] if len(parts) == 1 else stack(parts)


def _forward(
    policy: Policy,
    cache: PathCache,
    tokens: Tensor,
    positions: Tensor,
    lengths: Tensor,
    features: Sequence[Tensor] = (),
) -> Tensor:
    """Run (rows, width) new columns, the first `lengths` of each row real tokens; hidden state of the last of those."""
    rows, width = tokens.shape
    start = cache.length
    cache.reserve(width)
    lengths = lengths.to(tokens.device)
    real = torch.arange(width, device=tokens.device) < lengths[:, None]
    lowest = torch.finfo(cache.bias.dtype).min
    cache.bias[:, start : start + width] = torch.zeros_like(real, dtype=cache.bias.dtype).masked_fill(~real, lowest)
    mask = cache.bias[:, None, None, : start + width]
    if width > 1:
        later = torch.ones(width, width, dtype=torch.bool, device=tokens.device).triu(1)
        mask = mask.expand(rows, 1, width, -1).clone()
        mask[..., start:].masked_fill_(later, lowest)
    hidden = policy.read(tokens, positions, mask, features, cache)
    cache.length = start + width
    return hidden[torch.arange(rows, device=tokens.device), (lengths - 1).clamp(min=0)]


def _logits(policy: Policy, hidden: Tensor) -> Tensor:
    return policy.logits(hidden).float()


def _padded(tokens: Sequence[Tensor], width: int) -> Tensor:
    padded = torch.zeros(len(tokens), width, dtype=torch.long)
    for row, path in enumerate(tokens):
        padded[row, : len(path)] = path
    return padded
