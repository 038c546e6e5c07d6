"""Clips, the recordings they are made from, and what was rejected."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from videmo.tree.model import AffectiveTree

Split = Literal["train", "test"]

CLIP_ID = re.compile(r"[A-Za-z0-9_-]{1,90}")  # safe as the name of a member in a tar shard


@dataclass(frozen=True)
class Clip:
    """A video with sampled frames and what is known about it.

    `labels` maps a part of face-15 (tasks/catalog.py) to the chosen answers: one for a single choice, any number for a
    multiple choice, where the empty tuple means none. A part that is absent is unknown.

    `face_box` is (left, top, right, bottom) as shares of the frame: the union over the sampled frames.
    """

    id: str
    video: str  # path relative to the source
    source: str
    person: str | None
    split: Split
    duration: float  # seconds
    fps: float
    width: int
    height: int
    face_box: tuple[float, float, float, float] | None = None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tree: AffectiveTree = field(default_factory=AffectiveTree)


@dataclass(frozen=True)
class Recording:
    """A video that a source offers, before it is decoded.

    `id` matches CLIP_ID. `person` is who is seen; several names are joined by `+`, and people who share a clip share a
    split. A source that knows where the face is sets `face_box` (as in Clip); otherwise data_build looks for a face.
    """

    id: str
    video: Path
    person: str | None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tree: AffectiveTree = field(default_factory=AffectiveTree)
    face_box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Rejected:
    """A file that cannot become a clip, and the reason: one line of the quarantine."""

    file: str
    reason: str


def clip_id(name: str) -> str:
    """An id for the video at the relative path `name`: the path in safe characters, plus a hash unless it is a plain
    file name, so that no two names have one id.

    >>> clip_id("anna_2.mp4"), clip_id("talk/anna.mp4")
    ('anna_2_mp4', 'talk_anna_mp4-9214462d')
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if len(safe) <= 80 and re.fullmatch(r"[A-Za-z0-9_-]+\.[A-Za-z0-9]+", name):
        return safe
    return f"{safe[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_there(path: Path) -> bool:
    """Whether `path` is a file; False if its name is too long or its directory cannot be read."""
    try:
        return path.is_file()
    except OSError:
        return False
