"""Random numbers for rollouts: each prompt draws from a seed of its own, whatever stands beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from videmo.generation.growth import slots


def seed_of(seed: int, *names: object) -> int:
    """A seed, 0..2**63 - 1, for what the names tell apart: equal names draw equal numbers wherever they stand."""
    text = "\0".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def draws(seeds: Sequence[int], branching: Sequence[int], draw: Callable[[int, Generator], Tensor]) -> list[Tensor]:
    """For each level what every slot draws, (slots, ...): those of the first prompt, of the second, and so on.

    draw: so many numbers, or rows of them, from a generator.
    """
    generators = [Generator().manual_seed(seed) for seed in seeds]
    by_prompt = [[draw(count, generator) for count in slots(1, branching)] for generator in generators]
    return [torch.cat(level) for level in zip(*by_prompt, strict=True)]
