"""The model that everything starts from."""

from __future__ import annotations

from typing import Literal

from videmo.settings.kinds import Positive, Section


class Backbone(Section):
    """The model that everything starts from: `tiny`, a Hugging Face name, or a local directory."""

    name: str
    dtype: Literal["float32", "bfloat16"]
    max_pixels: Positive  # a frame, 128*28*28 in the paper
    freeze_vision: bool
