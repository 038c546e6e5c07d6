"""The data set on the page: counts of clips, people, samples and labels, and a few faces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from videmo.data.clip import Split
from videmo.data.people import people_in
from videmo.data.shards import Dataset
from videmo.evaluation.report_page.mosaic import mosaic
from videmo.tasks.catalog import COLUMNS, PARTS

SHOWN_CLIPS = 8
SHOWN_LABELS = ("emotion_mafw", "head_pose", "sentiment_fine", "micro_expression", "conversation", "identity")


@dataclass(frozen=True)
class Share:
    """A bar: `count` of something, `share` of the largest beside it, 0..1."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class ColumnSize:
    name: str
    train: int
    test: int


@dataclass(frozen=True)
class Thumbnail:
    uri: str
    caption: str


@dataclass(frozen=True)
class DataSummary:
    clips: dict[str, int]  # by split
    people: dict[str, int]
    samples: dict[str, int]
    columns: tuple[ColumnSize, ...]
    labels: dict[str, tuple[Share, ...]]
    pictures: tuple[Thumbnail, ...]


def summarise(dataset: Dataset) -> DataSummary:
    """Count the clips, people, samples and labels of a data set, and show frames of a few clips."""
    clips = list(dataset.clips.values())
    people = Counter(split for split, _ in {(clip.split, who) for clip in clips for who in people_in(clip.person)})
    chosen = clips[:: max(1, len(clips) // SHOWN_CLIPS)][:SHOWN_CLIPS]
    return DataSummary(
        clips=_by_split(Counter(clip.split for clip in clips)),
        people=_by_split(people),
        samples=_by_split(Counter(sample.split for sample in dataset.samples)),
        columns=_columns(dataset),
        labels={part: _shares(dataset, part) for part in SHOWN_LABELS if _shares(dataset, part)},
        pictures=tuple(
            Thumbnail(mosaic(dataset.frames(clip.id), 1, 1), f"{clip.id} ({clip.split})") for clip in chosen
        ),
    )


def _by_split(counts: Counter[Split]) -> dict[str, int]:
    splits: tuple[Split, ...] = ("train", "test")
    return {split: counts[split] for split in splits}


def _columns(dataset: Dataset) -> tuple[ColumnSize, ...]:
    parts = Counter((sample.part, sample.split) for sample in dataset.samples)
    sizes = {
        name: [sum(parts[part, split] for part in column.parts) for split in ("train", "test")]
        for name, column in COLUMNS.items()
    }
    return tuple(ColumnSize(name, train, test) for name, (train, test) in sizes.items())


def _shares(dataset: Dataset, part: str) -> tuple[Share, ...]:
    """How often each answer of a part is a label, in the order of its answer space."""
    counts = Counter(answer for clip in dataset.clips.values() for answer in clip.labels.get(part, ()))
    largest = max(counts.values(), default=0)
    return tuple(Share(name, counts[name], counts[name] / largest) for name in PARTS[part].answers) if largest else ()
