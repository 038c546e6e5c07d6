"""Clips and samples as Parquet, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from videmo.data.clip import Clip
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


def write_clips(clips: Iterable[Clip], path: Path) -> None:
    rows = [{**row, "labels": list(row["labels"].items())} for row in map(clip_to_json, clips)]
    pq.write_table(pa.Table.from_pylist(rows, CLIPS), path)


def read_clips(path: Path) -> dict[str, Clip]:
    rows = pq.read_table(path).cast(CLIPS).to_pylist()
    return {row["id"]: clip_from_json({**row, "labels": dict(row["labels"] or ())}) for row in rows}


def write_samples(samples: Iterable[Sample], path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([asdict(sample) for sample in samples], SAMPLES), path)


def read_samples(path: Path) -> tuple[Sample, ...]:
    return tuple(Sample(**row) for row in pq.read_table(path).cast(SAMPLES).to_pylist())


def clip_to_json(clip: Clip) -> dict[str, Any]:
    levels = {level: [asdict(pair) for pair in clip.tree.level(level)] for level in LEVELS}
    scalars = {name: getattr(clip, name) for name in CLIPS.names if name not in LEVELS}
    return {**scalars, "labels": {part: list(chosen) for part, chosen in clip.labels.items()}, **levels}


def clip_from_json(row: dict[str, Any]) -> Clip:
    tree = AffectiveTree(**{level: tuple(Pair(**pair) for pair in row[level] or ()) for level in LEVELS})
    labels = {part: tuple(chosen) for part, chosen in row["labels"].items()}
    scalars = {name: row[name] for name in CLIPS.names if name not in (*LEVELS, "labels", "face_box")}
    return Clip(**scalars, face_box=tuple(row["face_box"]) if row["face_box"] else None, labels=labels, tree=tree)
