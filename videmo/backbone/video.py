"""A clip as a model takes it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Video:
    """One clip as patches, or as the features that the vision tower made of them. `Policy.pack` makes it.

    pixels: (patches, values of a patch) float32, None where `features` take their place.
    grid: (3,) time, height and width in patches.
    tokens: how many tokens of the language model it takes, pads that stand for its pixels.
    features: (tokens, width), what the tower puts in place of each pad; None where it has not run yet.
    """

    pixels: Tensor | None
    grid: Tensor
    tokens: int
    features: Tensor | None = None
