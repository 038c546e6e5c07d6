"""Sampling from a transformers model: clips and shared prefixes are read once, children reuse their parent's cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.generation.decoding import LIKELIEST, Ending, Segments, closers, decode_segments
from videmo.generation.draws import draws
from videmo.generation.growth import Growth, GrowthLevel, Keep, growth_levels
from videmo.generation.paths import Paths, extend, prefix_cache
from videmo.generation.prompts import by_video, each
from videmo.generation.rollout import Answer, Rollout, RolloutNode
from videmo.generation.sampler import Prompt, Sampler


class HfSampler(Sampler):
    """Samples from `policy` as it is at the time of the call.

    rows: paths that are decoded side by side.  prefix_tokens: how much of videos is cached at a time.
    """

    def __init__(self, policy: Policy, rows: int = 64, prefix_tokens: int = 32_768):
        self.policy = policy
        self.rows = rows
        self.prefix_tokens = prefix_tokens

    def follow(self, policy: Policy) -> None:
        self.policy = policy

    @cached_property
    def _closers(self) -> frozenset[int]:
        return closers(self.policy)

    @torch.inference_mode()
    def answer(self, prompts: Sequence[Prompt], max_new_tokens: int | Sequence[int] = 200) -> list[Answer]:
        """As `Sampler` says."""
        answers: list[Answer | None] = [None] * len(prompts)
        endings = [Ending(None, limit, self._closers) for limit in each(max_new_tokens, prompts)]
        for chunk in self._by_video(prompts):
            for indices, paths in self._open(prompts, chunk):
                segments = decode_segments(self.policy, paths, [endings[index] for index in indices])
                for index, tokens, logprobs in zip(indices, segments.tokens, segments.logprobs, strict=True):
                    answers[index] = Answer(self.policy.decode(torch.tensor(tokens)), tuple(tokens), tuple(logprobs))
        return [answer for answer in answers if answer is not None]

    @torch.inference_mode()
    def grow(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        branching: Sequence[int] = (2, 2, 2),
        temperature: float = 1.0,
        max_segment_tokens: int = 160,
        keep: Keep | None = None,
    ) -> list[Rollout]:
        """As `Sampler` says."""
        levels = growth_levels(branching)
        numbers = draws(seeds, branching, lambda count, by: torch.rand(count, max_segment_tokens, generator=by))
        rollouts = [Rollout(())] * len(prompts)
        widest = max(branching) if keep else prod(branching)  # paths of one prompt side by side
        for chunk in self._by_video(prompts):
            for indices, paths in self._open(prompts, chunk, max(self.rows // widest, 1)):
                growth = Growth(indices, keep)
                for level, uniform in zip(levels, numbers, strict=True):
                    ending = Ending(level.tag, max_segment_tokens, self._closers)
                    paths = self._grow(growth, paths, level, ending, temperature, uniform)
                for index, rollout in zip(indices, growth.rollouts(), strict=True):
                    rollouts[index] = rollout
        return rollouts

    def _grow(
        self, growth: Growth, paths: Paths, level: GrowthLevel, ending: Ending, temperature: float, numbers: Tensor
    ) -> Paths:
        """Give every path its segments of this level; those that ended at their tag wait for the next level."""
        places = growth.branch(level.children)
        if not places:
            return paths
        goes_on = ending.tag is not None
        paths = paths.select([row for row in range(len(growth.at)) for _ in range(level.children)], room=32)
        drawn = numbers[[place.slot for place in places]]
        if growth.keep:
            drawn[:: level.children] = LIKELIEST
        segments = decode_segments(self.policy, paths, [ending] * len(places), temperature, drawn, keep=goes_on)
        nodes = [self._node(level.level, segments, row, place.node) for row, place in enumerate(places)]
        rows = growth.add(places, nodes, level.children)
        if not goes_on or not rows:
            return paths
        assert segments.cache is not None
        last = [torch.tensor(segments.tokens[row][-1:]) for row in rows]
        return extend(self.policy, segments.cache.select(rows), last)

    def _node(self, level: str, segments: Segments, row: int, parent: int) -> RolloutNode:
        tokens, logprobs = tuple(segments.tokens[row]), tuple(segments.logprobs[row])
        text = self.policy.decode(torch.tensor(tokens))
        return RolloutNode(level, text, tokens, logprobs, parent, segments.complete[row])

    def _open(
        self, prompts: Sequence[Prompt], chunk: Sequence[int], rows: int | None = None
    ) -> Iterator[tuple[list[int], Paths]]:
        """Batches of the chunk's prompts, alike in length, as paths that end in their questions."""
        videos = {id(prompts[index][0]): prompts[index][0] for index in chunk}
        prefixes = prefix_cache(self.policy, list(videos.values()), self.rows)
        row_of = {video: row for row, video in enumerate(videos)}
        questions = {question: self.policy.question_tokens(question) for _, question in (prompts[i] for i in chunk)}
        order = sorted(chunk, key=lambda index: (len(questions[prompts[index][1]]), prompts[index][1], index))
        rows = rows or self.rows
        for start in range(0, len(order), rows):
            indices = order[start : start + rows]
            tokens = [questions[prompts[index][1]] for index in indices]
            room = prefixes.length + max(map(len, tokens)) + 32
            cache = prefixes.select([row_of[id(prompts[index][0])] for index in indices], room)
            yield indices, extend(self.policy, cache, tokens)

    def _by_video(self, prompts: Sequence[Prompt]) -> Iterator[list[int]]:
        return by_video(prompts, self.prefix_tokens)
