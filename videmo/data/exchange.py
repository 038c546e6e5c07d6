"""Import and export of ms-swift's `messages` + `videos` JSON, the format of Emo-CFG. LLaMA-Factory reads it too.

An item is one question about one video:

    {"messages": [{"role": "user", "content": "<video>What ...?"}, {"role": "assistant", "content": "..."}],
     "videos": ["videos/anna.mp4"], "source": "videmo_hair"}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from videmo.data.clip import Clip
from videmo.data.samples import Sample

VIDEO_TAG = "<video>"


@dataclass(frozen=True)
class Item:
    """One question about one video, with its answer. `video` is relative to the file's directory."""

    video: str
    question: str
    answer: str
    source: str


class ExchangeError(ValueError):
    """The file, or an item in it, is not in the format; the message names file, item and fault."""


def export_samples(samples: Iterable[Sample], clips: Mapping[str, Clip], path: Path) -> int:
    """Write samples as a JSON list, with video paths as in their clips. Returns the number of items."""
    items = [to_item(sample, clips[sample.clip]) for sample in samples]
    write_items(items, path)
    return len(items)


def to_item(sample: Sample, clip: Clip) -> Item:
    return Item(clip.video, sample.question, sample.answer, f"{clip.source}_{sample.part}")


def write_items(items: Iterable[Item], path: Path) -> None:
    entries = [
        {
            "messages": [
                {"role": "user", "content": VIDEO_TAG + item.question},
                {"role": "assistant", "content": item.answer},
            ],
            "videos": [item.video],
            "source": item.source,
        }
        for item in items
    ]
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False), encoding="utf-8")


def read_items(path: Path) -> list[Item]:
    """Read a JSON list or JSON lines. Raises ExchangeError at the first item that breaks the format."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        stored = json.loads(text) if text.lstrip().startswith("[") else [json.loads(row) for row in _rows(text)]
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{path}: not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ExchangeError(f"{path}: not JSON: {error}") from None
    return [_item(item, f"{path}: item {number}") for number, item in enumerate(stored)]


def _rows(text: str) -> Iterable[str]:
    return (row for row in text.splitlines() if row.strip())


def _item(item: Any, where: str) -> Item:
    try:
        turns = [(turn["role"], turn["content"]) for turn in item["messages"]]
        videos = item["videos"]
    except (KeyError, TypeError) as error:
        raise ExchangeError(f"{where}: must have videos, and messages with role and content ({error})") from None
    contents = [content for role, content in turns if role != "system"]
    if [role for role, _ in turns if role != "system"] != ["user", "assistant"] or not all(map(_is_text, contents)):
        raise ExchangeError(f"{where}: messages must be one user question and one assistant answer, as text")
    if not isinstance(videos, list) or len(videos) != 1 or not _is_text(videos[0]):
        raise ExchangeError(f"{where}: videos = {videos!r}: must name exactly one video")
    if PurePosixPath(videos[0]).is_absolute() or ".." in PurePosixPath(videos[0]).parts:
        raise ExchangeError(f"{where}: videos = {videos!r}: must be a relative path without ..")
    question = contents[0].replace(VIDEO_TAG, "").strip()
    return Item(videos[0], question, contents[1], str(item.get("source", "")))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
