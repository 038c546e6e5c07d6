"""A clip: a video with sampled frames, what is known about it, and how it is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from videmo.tree.model import AffectiveTree

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Clip:
    """`labels` holds, for each part of face-15 (tasks/catalog.py) that is known of this clip, the chosen answers: one for
    a single-choice part, any number (none: the empty tuple) where several may apply. A part that is absent is unknown.

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
