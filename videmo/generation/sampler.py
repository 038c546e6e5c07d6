"""The interfaces of generation: what answers questions about clips, and what also grows rollouts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from videmo.backbone.policy import Policy
from videmo.backbone.video import Video
from videmo.generation.growth import Keep
from videmo.generation.rollout import Answer, Rollout

Clip = TypeVar("Clip")  # what stands for a clip in a prompt
Prompt = tuple[Video, str]


class Answering(ABC, Generic[Clip]):
    """Answers of a model. Prompts about one clip share what `see` returned for it, which is then encoded once."""

    @property
    @abstractmethod
    def tokenizer(self) -> PreTrainedTokenizerBase: ...

    @abstractmethod
    def see(self, frames: NDArray[np.uint8]) -> Clip:
        """What stands for a clip in a prompt. frames: uint8 (time, height, width, 3), RGB."""

    @abstractmethod
    def answer(self, prompts: Sequence[tuple[Clip, str]], max_new_tokens: int | Sequence[int] = 200) -> list[Answer]:
        """The greedy answer to every prompt; `max_new_tokens` is one limit for all answers, or one for each."""


class Sampler(Answering[Video]):
    """Answers and rollouts of `policy`."""

    policy: Policy

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.policy.tokenizer

    def see(self, frames: NDArray[np.uint8]) -> Video:
        return self.policy.pack(frames)

    @abstractmethod
    def follow(self, policy: Policy) -> None:
        """Sample from `policy` from now on: one of the same shape, or the same one after an update."""

    @abstractmethod
    def grow(
        self,
        prompts: Sequence[Prompt],
        seeds: Sequence[int],
        branching: Sequence[int] = (2, 2, 2),
        temperature: float = 1.0,
        max_segment_tokens: int = 160,
        keep: Keep | None = None,
    ) -> list[Rollout]:
        """A rollout for every prompt: branching[0] first segments, branching[1] continuations of each, and so on.

        Three numbers grow a tree over the levels of an affective tree, one number whole answers. Each prompt has a
        seed: the same seed, prompt and weights give the same rollout, whatever else is in the call. `keep` chooses
        which of the siblings is continued; without it all are. With `keep` the first sibling is not sampled: it is the
        greedy segment, so that a search includes what the model would have said without one.
        """
