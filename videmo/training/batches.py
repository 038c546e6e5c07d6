"""What a step of fine-tuning sees: packs of one clip's video and several questions, in an order that a seed fixes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil
from typing import TYPE_CHECKING

from torch import Tensor

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, PrefixTree, Segment
from videmo.backbone.video import Video
from videmo.data.samples import Sample

if TYPE_CHECKING:
    from videmo.data.shards import Dataset
    from videmo.settings.backbone import Backbone
    from videmo.settings.execution import Execution


@dataclass(frozen=True)
class Pack:
    """Samples about one clip that share its video."""

    clip: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True, eq=False)
class Deck:
    """Samples dealt into packs, epoch after epoch, each showing every sample once in an order of its own."""

    samples: tuple[Sample, ...]
    samples_per_clip: int
    seed: int

    def __len__(self) -> int:
        """Packs in an epoch."""
        return len(self._epoch(0))

    def pack(self, place: int) -> Pack:
        epoch, within = divmod(place, len(self))
        return self._epoch(epoch)[within]

    @lru_cache(maxsize=4)  # noqa: B019 (a deck lives as long as its stage)
    def _epoch(self, epoch: int) -> tuple[Pack, ...]:
        """Every clip's samples are shuffled and dealt into packs of even size; then the packs are shuffled."""
        shuffle = random.Random(f"{self.seed}/{epoch}").shuffle
        by_clip: dict[str, list[Sample]] = {}
        for sample in self.samples:
            by_clip.setdefault(sample.clip, []).append(sample)
        packs = []
        for clip, about in by_clip.items():
            shuffle(about)
            hands = ceil(len(about) / self.samples_per_clip)
            packs += [Pack(clip, tuple(about[hand::hands])) for hand in range(hands)]
        shuffle(packs)
        return tuple(packs)


@dataclass(frozen=True, eq=False)
class Order:
    """The batches of a level. Batch i is a function of the fields and i, so a run can go on from any step.

    An epoch shows every sample of `own` once. In the long run a `replay` share of the packs comes from `earlier`, the
    samples of the levels before.
    """

    own: Deck
    earlier: Deck | None
    batch: int  # packs
    replay: float
    epochs: float

    def __post_init__(self) -> None:
        if not self.own.samples:
            raise ValueError("this level has no training samples: data_build found no labels for its questions")
        if self._replayed >= 1:
            raise ValueError(f"replay = {self.replay}: nothing would be left of the level itself; use less than 1")

    @property
    def steps(self) -> int:
        return max(1, ceil(self.epochs * len(self.own) / (self.batch * (1 - self._replayed)) - 1e-9))

    def packs(self, step: int) -> list[Pack]:
        """The packs of batch `step`, from 0."""
        before, after = self._replayed_by(step), self._replayed_by(step + 1)
        start, end = step * self.batch - before, (step + 1) * self.batch - after
        own = [self.own.pack(place) for place in range(start, end)]
        return own + [self.earlier.pack(place) for place in range(before, after) if self.earlier]

    @property
    def _replayed(self) -> float:
        return self.replay if self.earlier and self.earlier.samples else 0.0

    def _replayed_by(self, step: int) -> int:
        """Packs of earlier levels in all batches before `step`: whole numbers that keep to the share."""
        return int(step * self.batch * self._replayed + 1e-9)


@dataclass(frozen=True, eq=False)
class Mixture:
    """All batches of several orders with their packs shuffled: the same packs in as many steps, and no curriculum."""

    orders: tuple[Order, ...]  # with batches of one size
    seed: int

    @property
    def steps(self) -> int:
        return sum(order.steps for order in self.orders)

    def packs(self, step: int) -> list[Pack]:
        """The packs of batch `step`, from 0."""
        size = self.orders[0].batch
        return self._shuffled[step * size : (step + 1) * size]

    @cached_property
    def _shuffled(self) -> list[Pack]:
        packs = [pack for order in self.orders for step in range(order.steps) for pack in order.packs(step)]
        random.Random(f"{self.seed}/mixed").shuffle(packs)
        return packs


def sample_tree(policy: Policy, video: Video, samples: Sequence[Sample]) -> PrefixTree:
    """The video, and behind it every sample's question and answer."""
    segments = [Segment(policy.video_tokens(video), -1)]
    for sample in samples:
        segments.append(Segment(policy.question_tokens(sample.question), 0))
        segments.append(Segment(policy.answer_tokens(sample.answer), len(segments) - 1))
    return PrefixTree(video, tuple(segments))


def answer_mask(batch: PackedBatch) -> Tensor:
    """(B, L) bool: the tokens of answers in a batch of sample trees, the end of the turn with them."""
    return (batch.segment > 0) & (batch.segment % 2 == 0)


def clip_videos(dataset: Dataset, policy: Policy, seen: bool, megabytes: int = 512) -> Callable[[str], Video]:
    """From a clip's id to its video; keeps the latest in memory, up to `megabytes`.

    seen: the vision tower looks at a video when it is loaded, and not again while it is in memory.
    """

    def load(clip: str) -> Video:
        video = policy.pack(dataset.frames(clip))
        return policy.look_at(video) if seen else video

    first = next(iter(dataset.clips), None)
    size = _bytes(load(first)) if first is not None else 1
    return lru_cache(maxsize=max(1, megabytes * 2**20 // size))(load)


def _bytes(video: Video) -> int:
    return sum(part.nbytes for part in (video.pixels, video.features) if part is not None)


def tower_rests(backbone: Backbone, execution: Execution) -> bool:
    """Whether one look at a video will do for a whole stage.

    Under ZeRO 3 the tower can only be used within a step: its weights are split over several processes.
    """
    return backbone.freeze_vision and execution.zero_stage < 3
