"""The curriculum."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from videmo.settings.kinds import Positive, Rate, Section, Seed, Share


class Lora(Section):
    rank: Positive = 16
    alpha: Positive = 32
    dropout: Share = 0.0


class LevelSettings(Section):
    """One step of the curriculum."""

    epochs: Rate
    learning_rate: Rate
    replay: Share  # share of each batch drawn from the levels before
    samples_per_clip: Positive  # questions about one clip that share its video in a pack


class Curriculum(Section):
    """What all levels share."""

    batch_clips: Positive  # packs in a micro-batch
    accumulation: Positive
    warmup: Share
    weight_decay: Annotated[float, Field(ge=0)]
    gradient_clip: Rate
    lora: Lora | None = None
    seed: Seed


class Sft(Curriculum):
    attribute: LevelSettings
    expression: LevelSettings
    emotion: LevelSettings
