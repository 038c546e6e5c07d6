"""The model that everything starts from."""

from __future__ import annotations

from typing import Literal

from videmo.settings.kinds import Positive, Section


class Backbone(Section):
    """The model that everything starts from: `tiny`, a Hugging Face name, or a local directory."""

    name: str = "tiny"
    dtype: Literal["float32", "bfloat16"] = "float32"
    max_pixels: Positive = 100_352  # a frame, 128*28*28 in the paper
    freeze_vision: bool = False
