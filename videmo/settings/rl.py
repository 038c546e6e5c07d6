"""Tree reinforcement learning and what it rewards."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from videmo.settings.endpoint import Endpoint
from videmo.settings.kinds import Positive, Rate, Section, Seed, Share, Temperature
from videmo.tree.vocabulary import ASPECTS

LEAVES = 1024  # of one rollout tree


class Similar(Section):
    """Items of one aspect that are near each other, such as neighbours on the emotion wheel: confusing them
    costs `cost` instead of the reward's label_cost."""

    aspect: str
    items: Annotated[tuple[str, ...], Field(min_length=2)]
    cost: Share

    @model_validator(mode="after")
    def words_are_of_the_vocabulary(self) -> Similar:
        if self.aspect not in ASPECTS:
            raise ValueError(_unknown("aspect", self.aspect, ASPECTS))
        items = ASPECTS[self.aspect].items
        for item in self.items:
            if item not in items:
                raise ValueError(_unknown(f"item of {self.aspect}", item, items))
        return self


class Reward(Section):
    edit_lambda: Rate  # R = exp(-lambda * Edit)
    label_cost: Share  # same aspect, other item
    similar: tuple[Similar, ...]  # if a pair of items is in several, the cost of the last one applies
    tree_weight: Share
    qa_weight: Share
    format_weight: Share
    scorer: Endpoint | None = None  # a large model that scores full captions as well
    scorer_weight: Share  # used only with a scorer

    @model_validator(mode="after")
    def something_is_rewarded(self) -> Reward:
        if not any((self.tree_weight, self.qa_weight, self.format_weight, self.scorer and self.scorer_weight)):
            raise ValueError("rl.reward: every weight is 0, so nothing is rewarded; raise one, such as tree_weight")
        return self


class Rl(Section):
    branching: tuple[int, int, int]
    steps: Positive
    batch_clips: Positive
    question_clips: Annotated[int, Field(ge=0)]  # clips of a batch that are asked a question of face-15 instead
    learning_rate: Rate
    temperature: Temperature
    max_segment_tokens: Positive
    clip_low: Share
    clip_high: Share
    kl: Annotated[float, Field(ge=0)]
    # Deviations from siblings are divided by their spread within the group, by what is usual on the level in the batch,
    # or by nothing.
    advantage_scale: Literal["group", "level", "none"]
    aggregation: Literal["token", "sequence"]  # the loss is a mean over tokens, or over answers' means
    optimisation_epochs: Positive
    gradient_clip: Rate
    parity_tolerance: Rate
    reward: Reward
    seed: Seed

    @model_validator(mode="after")
    def every_level_branches(self) -> Rl:
        if min(self.branching) < 1:
            fixed = [max(1, k) for k in self.branching]
            raise ValueError(
                f"rl.branching = {list(self.branching)}: every level needs at least one child; use {fixed}"
            )
        if prod(self.branching) > LEAVES:
            raise ValueError(
                f"rl.branching = {list(self.branching)}: {prod(self.branching)} leaves; use at most {LEAVES} in all"
            )
        return self

    @model_validator(mode="after")
    def questions_are_part_of_the_batch(self) -> Rl:
        if self.question_clips > self.batch_clips:
            raise ValueError(
                f"rl.question_clips = {self.question_clips}: must not exceed rl.batch_clips = {self.batch_clips}"
            )
        return self


def _unknown(kind: str, word: str, words: Iterable[str]) -> str:
    close = get_close_matches(word, list(words), n=1)
    remedy = f"did you mean {close[0]}?" if close else f"there are {', '.join(words)}"
    return f"rl.reward.similar: {word[:80]}: no such {kind}; {remedy}"
