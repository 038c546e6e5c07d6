"""A clip: a video with sampled frames and what is known about it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from videmo.tree.model import AffectiveTree

Split = Literal["train", "test"]

CLIP_ID = re.compile(r"[A-Za-z0-9_-]{1,90}")  # what may name a member of a tar shard


@dataclass(frozen=True)
class Clip:
    """`labels` holds, for each part of face-15 (tasks/catalog.py) that is known of this clip, the chosen answers: one
    for a single-choice part, any number (none: the empty tuple) where several may apply. An absent part is unknown.

    `face_box` is (left, top, right, bottom) as shares of the frame, the union over the sampled frames.
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
    """A video that a source offers, before it is decoded. A source that knows where the face is says so in `face_box`
    (as in Clip); of the others the build itself checks that a face is there at all.

    `id` matches CLIP_ID. `person` is who is seen; several are joined by `+`, and people who share a clip share a split.
    """

    id: str
    video: Path
    person: str | None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tree: AffectiveTree = field(default_factory=AffectiveTree)
    face_box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Rejected:
    """Something a source holds that is no clip, and why: one line of the quarantine."""

    file: str
    reason: str


def clip_id(name: str) -> str:
    """An id for the video at the relative path `name`: the path in safe characters, with a hash where any was lost.

    >>> clip_id("talk/anna.mp4")
    'talk_anna_mp4'
    """
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    if len(safe) <= 80 and re.fullmatch(r"[A-Za-z0-9-][A-Za-z0-9_./-]*", name) and "." not in name.rpartition(".")[0]:
        return safe
    return f"{safe[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def is_there(path: Path) -> bool:
    """Whether there is such a file; one whose name is too long, or that lies where nobody may look, is not."""
    try:
        return path.is_file()
    except OSError:
        return False
