"""Lists of prompts: a limit for each, and batches by the videos they are about. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from videmo.generation.sampler import Prompt


def each(value: int | Sequence[int], prompts: Sequence[object]) -> Sequence[int]:
    """`value` once for each prompt; a sequence is returned as it is."""
    return [value] * len(prompts) if isinstance(value, int) else value


def by_video(prompts: Sequence[Prompt], tokens: int) -> Iterator[list[int]]:
    """Indices of the prompts, those about one video together, in chunks of one video or at most `tokens` of videos."""
    about: dict[int, list[int]] = {}
    for index, (video, _) in enumerate(prompts):
        about.setdefault(id(video), []).append(index)
    chunk: list[int] = []
    total = 0
    for indices in about.values():
        needed = prompts[indices[0]][0].tokens
        if chunk and total + needed > tokens:
            yield chunk
            chunk, total = [], 0
        chunk.extend(indices)
        total += needed
    if chunk:
        yield chunk
