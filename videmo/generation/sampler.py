"""What every sampler offers, and the choice of one by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from videmo.backbone.frames import Video
from videmo.backbone.policy import Policy
from videmo.generation.growth import Keep
from videmo.generation.rollout import Answer, Rollout

Prompt = tuple[Video, str]


class Sampler(Protocol):
    """Answers and rollouts of `policy`. Prompts about one clip share its Video object, which is then seen once."""

    policy: Policy

    def follow(self, policy: Policy) -> None:
        """Sample from `policy` from now on: one of the same shape, or the same one after an update."""

    def release(self) -> None:
        """Let go of the policy; there is nothing to sample from until the next is given to `follow`."""

    def answer(self, prompts: Sequence[Prompt], max_new_tokens: int = 200) -> list[Answer]:
        """The likeliest answer to every prompt, token by token."""

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
