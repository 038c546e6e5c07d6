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

from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy


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
    embeds = policy.model.get_input_embeddings()(batch.input_ids)
    seen = torch.cat(embed_videos(policy, batch.videos)).to(embeds.dtype)
    embeds = embeds.masked_scatter((batch.input_ids == policy.config.video_token_id)[..., None], seen)
    hidden = policy.model.model(
        inputs_embeds=embeds,
        position_ids=batch.position_ids,
        attention_mask={"full_attention": batch.mask},
        use_cache=False,
    ).last_hidden_state
    rows, columns = wanted.nonzero(as_tuple=True)
    # Only the rows that predict a wanted token meet the vocabulary: logits are the largest tensor of all.
    logits = policy.model.lm_head(hidden[rows, batch.previous[rows, columns]])
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32)) / temperature
    chosen = torch.log_softmax(logits, dim=-1).gather(1, batch.input_ids[rows, columns, None])[:, 0]
    return torch.zeros(wanted.shape, device=chosen.device, dtype=chosen.dtype).index_put((rows, columns), chosen)


def embed_videos(policy: Policy, videos: Sequence[Video]) -> list[Tensor]:
    """(video tokens, hidden) of each video: as it was seen, or in one pass of the vision tower over all of them."""
    seen = [video.features.to(policy.device) for video in videos if video.features is not None]
    if len(seen) == len(videos):
        return seen
    features = policy.model.model.get_video_features(
        torch.cat([video.pixels for video in videos if video.pixels is not None]).to(policy.device),
        torch.stack([video.grid for video in videos]).to(policy.device),
    )
    return list(features.pooler_output)


def look_at(policy: Policy, video: Video) -> Video:
    """The video as the vision tower sees it now, and will for as long as it does not learn."""
    with torch.no_grad():
        (features,) = embed_videos(policy, [video])
    return Video(None, video.grid, features.cpu())


def root_positions(policy: Policy, tokens: Tensor, video: Video) -> Tensor:
    """(3, n) rotary positions of a root segment: text runs on all three axes, video spans time, height and width."""
    kinds = (tokens == policy.config.video_token_id).int() * 2
    positions, _ = policy.model.model.get_rope_index(
        tokens[None], mm_token_type_ids=kinds[None], video_grid_thw=video.grid[None]
    )
    return positions[:, 0]


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
            positions[:, start:end] = root_positions(policy, segment.tokens, tree.video)
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
