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

    epochs: Rate = 3.0
    learning_rate: Rate = 2e-5
    replay: Share = 0.0  # share of each batch drawn from the levels before
    samples_per_clip: Positive = 8  # questions about one clip that share its video in a pack


class Curriculum(Section):
    """What all levels share."""

    batch_clips: Positive = 16  # packs in a micro-batch
    accumulation: Positive = 1
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    gradient_clip: Rate = 1.0
    lora: Lora | None = None
    seed: Seed = 0


class Sft(Curriculum):
    attribute: LevelSettings = LevelSettings()
    expression: LevelSettings = LevelSettings()
    emotion: LevelSettings = LevelSettings()
