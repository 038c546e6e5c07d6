"""Tree reinforcement learning and what it rewards."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from videmo.settings.endpoint import Endpoint
from videmo.settings.kinds import Positive, Rate, Section, Share


class Similar(Section):
    """Items of one aspect that are near each other, such as neighbours on the emotion wheel: to take one for another
    costs `cost` in place of the reward's label_cost."""

    aspect: str
    items: Annotated[tuple[str, ...], Field(min_length=2)]
    cost: Share


class Reward(Section):
    edit_lambda: Rate = 0.05  # R = exp(-lambda * Edit)
    label_cost: Share = 0.5  # same aspect, other item
    similar: tuple[Similar, ...] = ()  # where two items stand together in several, the last one's cost holds
    tree_weight: Share = 0.6
    qa_weight: Share = 0.3
    format_weight: Share = 0.1
    scorer: Endpoint | None = None  # a large model that scores full captions as well
    scorer_weight: Share = 0.3  # counts where there is a scorer


class Rl(Section):
    branching: tuple[int, int, int] = (2, 2, 2)
    steps: Positive = 40
    batch_clips: Positive = 8
    question_clips: Annotated[int, Field(ge=0)] = 4  # clips of a batch that are asked a question of face-15 instead
    learning_rate: Rate = 1e-5
    temperature: Rate = 1.0
    max_segment_tokens: Positive = 160
    clip_low: Share = 0.2
    clip_high: Share = 0.28
    kl: Annotated[float, Field(ge=0)] = 0.02
    # Deviations from siblings are divided by their spread within the group, by what is usual on the level in the batch,
    # or by nothing.
    advantage_scale: Literal["group", "level", "none"] = "level"
    aggregation: Literal["token", "sequence"] = "sequence"  # the loss is a mean over tokens, or over answers' means
    optimisation_epochs: Positive = 1
    gradient_clip: Rate = 1.0
    parity_tolerance: Rate = 1e-4
    reward: Reward = Reward()
    seed: int = 0

    @model_validator(mode="after")
    def every_level_branches(self) -> Rl:
        if min(self.branching) < 1:
            fixed = [max(1, k) for k in self.branching]
            raise ValueError(
                f"rl.branching = {list(self.branching)}: every level needs at least one child; use {fixed}"
            )
        return self
