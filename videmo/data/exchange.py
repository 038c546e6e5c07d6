"""Exchange with ms-swift's `messages` + `videos` JSON, the format of Emo-CFG, which LLaMA-Factory reads as well.

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
    """One conversation turn about one video, as others exchange it. `video` is relative to the file's directory."""

    video: str
    question: str
    answer: str
    source: str


class ExchangeError(ValueError):
    """A file, or an item of it, that is not in the format; the message names the file, the item and the fault."""


def export_samples(samples: Iterable[Sample], clips: Mapping[str, Clip], path: Path) -> int:
    """Write samples as a JSON list; videos are named as their clips name them. Returns how many were written."""
    items = [to_item(sample, clips[sample.clip]) for sample in samples]
    write_items(items, path)
    return len(items)


def to_item(sample: Sample, clip: Clip) -> Item:
    return Item(clip.video, sample.question, sample.answer, f"{clip.source}_{sample.part}")


def write_items(items: Iterable[Item], path: Path) -> None:
    written = [
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
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False), encoding="utf-8")


def read_items(path: Path) -> list[Item]:
    """Read a JSON list or JSON lines. Raises ExchangeError on the first item that is not one turn about one video."""
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
        raise ExchangeError(f"{where}: no messages with role and content, or no videos ({error})") from None
    spoken = [content for role, content in turns if role != "system"]
    if [role for role, _ in turns if role != "system"] != ["user", "assistant"] or not all(map(_is_text, spoken)):
        raise ExchangeError(f"{where}: one question of the user and one answer of the assistant are read, as text")
    if not isinstance(videos, list) or len(videos) != 1 or not _is_text(videos[0]):
        raise ExchangeError(f"{where}: videos = {videos!r}: one video an item is read")
    if PurePosixPath(videos[0]).is_absolute() or ".." in PurePosixPath(videos[0]).parts:
        raise ExchangeError(f"{where}: videos = {videos!r}: paths stay below the directory of the file")
    question = spoken[0].replace(VIDEO_TAG, "").strip()
    return Item(videos[0], question, spoken[1], str(item.get("source", "")))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
