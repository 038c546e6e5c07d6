"""Samples: instruction conversations about clips, made from labels and trees."""

from __future__ import annotations

from dataclasses import dataclass

from videmo.data.clip import Split
from videmo.tree.model import Level


@dataclass(frozen=True)
class Sample:
    """One question about one clip, with its reference answer. `part` names the question set in tasks/catalog.py."""

    id: str
    clip: str
    part: str
    level: Level
    split: Split
    question: str
    answer: str
