"""Clips and samples as Parquet, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from videmo.data.clip import Clip, Split
from videmo.data.samples import Sample
from videmo.tree.model import LEVELS, AffectiveTree, Pair

_PAIRS = pa.list_(pa.struct([("aspect", pa.string()), ("item", pa.string())]))

CLIPS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("video", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        ("person", pa.string()),
        pa.field("split", pa.string(), nullable=False),
        ("duration", pa.float64()),
        ("fps", pa.float64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("face_box", pa.list_(pa.float64())),
        ("labels", pa.map_(pa.string(), pa.list_(pa.string()))),
        *((level, _PAIRS) for level in LEVELS),
    ]
)
SAMPLES = pa.schema([pa.field(field.name, pa.string(), nullable=False) for field in fields(Sample)])


class PairJson(TypedDict):
    aspect: str
    item: str


class ClipJson(TypedDict):
    """A clip as it is stored: the columns of CLIPS."""

    id: str
    video: str
    source: str
    person: str | None
    split: Split
    duration: float
    fps: float
    width: int
    height: int
    face_box: Sequence[float] | None
    labels: dict[str, list[str]]
    attribute: list[PairJson] | None
    expression: list[PairJson] | None
    emotion: list[PairJson] | None


def write_clips(clips: Iterable[Clip], path: Path) -> None:
    rows = [{**row, "labels": list(row["labels"].items())} for row in map(clip_to_json, clips)]
    pq.write_table(pa.Table.from_pylist(rows, CLIPS), path)


def read_clips(path: Path) -> dict[str, Clip]:
    rows = pq.read_table(path).cast(CLIPS).to_pylist()
    for row in rows:
        row["labels"] = dict(row["labels"] or ())  # Arrow's map is a list of pairs
    return {row["id"]: clip_from_json(row) for row in rows}


def write_samples(samples: Iterable[Sample], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([asdict(sample) for sample in samples], SAMPLES), path)


def read_samples(path: Path) -> tuple[Sample, ...]:
    return tuple(Sample(**row) for row in pq.read_table(path).cast(SAMPLES).to_pylist())


def clip_to_json(clip: Clip) -> ClipJson:
    return {
        "id": clip.id,
        "video": clip.video,
        "source": clip.source,
        "person": clip.person,
        "split": clip.split,
        "duration": clip.duration,
        "fps": clip.fps,
        "width": clip.width,
        "height": clip.height,
        "face_box": clip.face_box,
        "labels": {part: list(chosen) for part, chosen in clip.labels.items()},
        "attribute": _pairs(clip.tree.attribute),
        "expression": _pairs(clip.tree.expression),
        "emotion": _pairs(clip.tree.emotion),
    }


def clip_from_json(row: ClipJson) -> Clip:
    labels = {part: tuple(chosen) for part, chosen in row["labels"].items()}
    tree = AffectiveTree(**{level: tuple(Pair(**pair) for pair in row[level] or ()) for level in LEVELS})
    return Clip(
        row["id"], row["video"], row["source"], row["person"], row["split"], row["duration"], row["fps"], row["width"],
        row["height"], _box(row["face_box"]), labels, tree,
    )  # fmt: skip


def _pairs(level: Iterable[Pair]) -> list[PairJson]:
    return [{"aspect": pair.aspect, "item": pair.item} for pair in level]


def _box(stored: Sequence[float] | None) -> tuple[float, float, float, float] | None:
    if not stored:
        return None
    left, top, right, bottom = stored
    return left, top, right, bottom
