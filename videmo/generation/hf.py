"""Sampling from a transformers model: clips are seen once, shared prefixes read once, caches handed to children."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import torch
from torch import Tensor

from videmo.backbone.chat import decode, question_tokens
from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy
from videmo.generation.decoding import Ending, Segments, closers, decode_segments
from videmo.generation.paths import Paths, extend, prefix_cache
from videmo.generation.rollout import Answer, Rollout, RolloutNode
from videmo.tree.model import LEVELS

Prompt = tuple[Video, str]
# Of the siblings at these indices of a rollout, the one that is continued.
Keep = Callable[[Rollout, Sequence[int]], int]


@dataclass(frozen=True)
class _Place:
    """Where a path stands: in which rollout of the batch, at which of its nodes (-1: the question), and in which of the
    slots that the whole level has, over all prompts; the slot picks the random numbers."""

    rollout: int
    node: int
    slot: int


class HfSampler:
    """Samples from `policy` as it is at the time of the call.

    rows: paths that are decoded side by side.  prefix_tokens: how much of videos is cached at a time.
    """

    def __init__(self, policy: Policy, rows: int = 64, prefix_tokens: int = 32_768):
        self.policy = policy
        self.rows = rows
        self.prefix_tokens = prefix_tokens

    @cached_property
    def _closers(self) -> frozenset[int]:
        return closers(self.policy)

    @torch.inference_mode()
    def answer(self, prompts: Sequence[Prompt], max_new_tokens: int = 200) -> list[Answer]:
        """The likeliest answer to every prompt, token by token. Prompts about one clip share its Video object."""
        answers: list[Answer | None] = [None] * len(prompts)
        ending = Ending(None, max_new_tokens, self._closers)
        for chunk in self._by_video(prompts):
            for indices, paths in self._open(prompts, chunk):
                found = decode_segments(self.policy, paths, ending)
                for index, tokens, logprobs in zip(indices, found.tokens, found.logprobs, strict=True):
                    answers[index] = Answer(decode(self.policy, torch.tensor(tokens)), tuple(tokens), tuple(logprobs))
        return [answer for answer in answers if answer is not None]

    @torch.inference_mode()
    def grow(
        self,
        prompts: Sequence[Prompt],
        branching: Sequence[int] = (2, 2, 2),
        temperature: float = 1.0,
        seed: int = 0,
        max_segment_tokens: int = 160,
        keep: Keep | None = None,
    ) -> list[Rollout]:
        """A rollout for every prompt: branching[0] first segments, branching[1] continuations of each, and so on.

        Three numbers grow a tree over the levels of an affective tree, one number whole answers. The same seed, prompts
        and weights give the same rollouts. `keep` chooses which of the siblings is continued; all are by default.
        """
        tags = _closing_tags(branching)
        generator = torch.Generator().manual_seed(seed)
        counts = [len(prompts)]
        for children in branching:
            counts.append(counts[-1] * children)
        numbers = [torch.rand(count, max_segment_tokens, generator=generator) for count in counts[1:]]
        rollouts = [Rollout(())] * len(prompts)
        widest = max(branching) if keep else prod(branching)  # paths of one prompt side by side
        for chunk in self._by_video(prompts):
            for indices, paths in self._open(prompts, chunk, max(self.rows // widest, 1)):
                grown = _Growth(self, indices, paths, temperature, keep)
                for level, (children, tag) in enumerate(zip(branching, tags, strict=True)):
                    ending = Ending(tag, max_segment_tokens, self._closers)
                    grown.grow(_level_name(tags, level), children, ending, numbers[level])
                for index, nodes in zip(indices, grown.nodes, strict=True):
                    rollouts[index] = Rollout(tuple(nodes))
        return rollouts

    def _open(
        self, prompts: Sequence[Prompt], chunk: Sequence[int], rows: int | None = None
    ) -> Iterator[tuple[list[int], Paths]]:
        """Batches of the chunk's prompts, alike in length, as paths that end in their questions."""
        videos = {id(prompts[index][0]): prompts[index][0] for index in chunk}
        prefixes = prefix_cache(self.policy, list(videos.values()), self.rows)
        row_of = {video: row for row, video in enumerate(videos)}
        questions = {question: question_tokens(self.policy, question) for _, question in (prompts[i] for i in chunk)}
        order = sorted(chunk, key=lambda index: (len(questions[prompts[index][1]]), prompts[index][1], index))
        rows = rows or self.rows
        for start in range(0, len(order), rows):
            indices = order[start : start + rows]
            tokens = [questions[prompts[index][1]] for index in indices]
            room = prefixes.length + max(map(len, tokens)) + 32
            cache = prefixes.select([row_of[id(prompts[index][0])] for index in indices], room)
            yield indices, extend(self.policy, cache, tokens)

    def _by_video(self, prompts: Sequence[Prompt]) -> Iterator[list[int]]:
        """Indices of the prompts, all those about a video together, in chunks of at most `prefix_tokens` of videos."""
        about: dict[int, list[int]] = {}
        for index, (video, _) in enumerate(prompts):
            about.setdefault(id(video), []).append(index)
        chunk: list[int] = []
        tokens = 0
        for indices in about.values():
            needed = prompts[indices[0]][0].tokens(self.policy.config.vision_config.spatial_merge_size)
            if chunk and tokens + needed > self.prefix_tokens:
                yield chunk
                chunk, tokens = [], 0
            chunk.extend(indices)
            tokens += needed
        if chunk:
            yield chunk


class _Growth:
    """Rollouts of a batch of prompts, grown level by level. Each row of `paths` has its place in `at`."""

    def __init__(self, sampler: HfSampler, prompts: Sequence[int], paths: Paths, temperature: float, keep: Keep | None):
        self.sampler = sampler
        self.paths = paths
        self.temperature = temperature
        self.keep = keep
        self.nodes: list[list[RolloutNode]] = [[] for _ in prompts]
        self.at = [_Place(rollout, -1, prompt) for rollout, prompt in enumerate(prompts)]

    def grow(self, level: str, children: int, ending: Ending, numbers: Tensor) -> None:
        """Give every path `children` segments of this level; those that ended at their tag wait for the next level."""
        if not self.at:
            return
        parents = [place for place in self.at for _ in range(children)]
        slots = [place.slot * children + child for place in self.at for child in range(children)]
        paths = self.paths.select([row for row in range(len(self.at)) for _ in range(children)], room=32)
        goes_on = ending.tag is not None
        found = decode_segments(self.sampler.policy, paths, ending, self.temperature, numbers[slots], keep=goes_on)
        grown = [self._record(level, found, row, place.rollout, place.node) for row, place in enumerate(parents)]
        self.at = []
        if goes_on and (rows := self._going(parents, grown, children)):
            self.at = [_Place(parents[row].rollout, grown[row], slots[row]) for row in rows]
            assert found.cache is not None
            last = [torch.tensor(found.tokens[row][-1:]) for row in rows]
            self.paths = extend(self.sampler.policy, found.cache.select(rows), last)

    def _record(self, level: str, found: Segments, row: int, rollout: int, parent: int) -> int:
        tokens, logprobs = tuple(found.tokens[row]), tuple(found.logprobs[row])
        text = decode(self.sampler.policy, torch.tensor(tokens))
        self.nodes[rollout].append(RolloutNode(level, text, tokens, logprobs, parent, found.complete[row]))
        return len(self.nodes[rollout]) - 1

    def _going(self, parents: Sequence[_Place], grown: Sequence[int], children: int) -> list[int]:
        """The rows that are continued."""
        going = []
        for start in range(0, len(grown), children):
            nodes = self.nodes[parents[start].rollout]
            siblings = grown[start : start + children]
            kept = [self.keep(Rollout(tuple(nodes)), siblings)] if self.keep else siblings
            going += [
                row for row in range(start, start + children) if grown[row] in kept and nodes[grown[row]].complete
            ]
        return going


def _closing_tags(branching: Sequence[int]) -> list[str | None]:
    if len(branching) == 1:
        return [None]
    if len(branching) == len(LEVELS):
        return [f"</{level}>" for level in LEVELS[:-1]] + [None]
    raise ValueError(f"branching = {list(branching)}: give one number for whole answers, or {len(LEVELS)} for levels")


def _level_name(tags: Sequence[str | None], level: int) -> str:
    return LEVELS[level] if len(tags) == len(LEVELS) else "answer"
