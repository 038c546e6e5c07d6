"""What every sampler offers, and the choice of one by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from transformers import PreTrainedTokenizerBase

from videmo.backbone.frames import Video, pack_frames
from videmo.backbone.policy import Policy
from videmo.generation.growth import Keep
from videmo.generation.rollout import Answer, Rollout

Prompt = tuple[Video, str]


class Answering(Protocol):
    """Answers of a model. Prompts about one clip share what `see` gave for it, which is then encoded once."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase: ...

    def see(self, frames: np.ndarray) -> Any:
        """What stands for a clip in a prompt. frames: uint8 (time, height, width, 3), RGB."""

    def answer(self, prompts: Sequence[tuple[Any, str]], max_new_tokens: int | Sequence[int] = 200) -> list[Answer]:
        """The likeliest answer to every prompt, token by token; `max_new_tokens` of all answers or of each."""


class Sampler(Answering, Protocol):
    """Answers and rollouts of `policy`."""

    policy: Policy

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.policy.tokenizer

    def see(self, frames: np.ndarray) -> Video:
        return pack_frames(frames, self.policy)

    def follow(self, policy: Policy) -> None:
        """Sample from `policy` from now on: one of the same shape, or the same one after an update."""

    def release(self) -> None:
        """Let go of the policy; there is nothing to sample from until the next is given to `follow`."""

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
        Where there is a choice the first sibling is no sample, but the likeliest segment: a search that starts from
        what the model would have said anyway.
        """


def open_sampler(setting: str, name: str, policy: Policy, rows: int = 64) -> Sampler:
    """The sampler that `setting` calls `name`, over `policy`, decoding so many paths side by side.

    Raises ValueError where it is not installed.
    """
    if name == "vllm" and find_spec("vllm") is None:
        raise ValueError(
            f"{setting} = vllm: vLLM is not installed here; use hf, or install vLLM beside the project "
            "(docs/sampling.md says how)"
        )
    if name == "hf":
        from videmo.generation.hf import HfSampler

        return HfSampler(policy, rows)
    from videmo.generation.vllm import VllmSampler

    return VllmSampler(policy, rows)


def each(value: int | Sequence[int], prompts: Sequence[object]) -> Sequence[int]:
    """`value` for each of the prompts, where it is not given so already."""
    return [value] * len(prompts) if isinstance(value, int) else value


def by_video(prompts: Sequence[Prompt], merge: int, tokens: int) -> Iterator[list[int]]:
    """Indices of the prompts, all those about a video together, in chunks of at most `tokens` of videos, or one video.

    merge: patches of a side that one token of the language model takes.
    """
    about: dict[int, list[int]] = {}
    for index, (video, _) in enumerate(prompts):
        about.setdefault(id(video), []).append(index)
    chunk: list[int] = []
    held = 0
    for indices in about.values():
        needed = prompts[indices[0]][0].tokens(merge)
        if chunk and held + needed > tokens:
            yield chunk
            chunk, held = [], 0
        chunk.extend(indices)
        held += needed
    if chunk:
        yield chunk
