"""The affective tree of a clip: aspect-item pairs on three levels, attribute -> expression -> emotion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["attribute", "expression", "emotion"]
LEVELS: tuple[Level, ...] = ("attribute", "expression", "emotion")


@dataclass(frozen=True, order=True)
class Pair:
    """One statement about a clip, such as `hair colour: black`."""

    aspect: str
    item: str


@dataclass(frozen=True)
class AffectiveTree:
    """What is known about a clip, level by level; pairs keep a canonical order (by aspect, then item), each once."""

    attribute: tuple[Pair, ...] = field(default=())
    expression: tuple[Pair, ...] = field(default=())
    emotion: tuple[Pair, ...] = field(default=())

    def __post_init__(self) -> None:
        for level in LEVELS:
            object.__setattr__(self, level, tuple(sorted(set(getattr(self, level)))))

    def level(self, level: Level) -> tuple[Pair, ...]:
        pairs: tuple[Pair, ...] = getattr(self, level)
        return pairs

    def only(self, *levels: Level) -> AffectiveTree:
        """The same tree with every other level empty."""
        return AffectiveTree(**{level: self.level(level) for level in levels})

    def __len__(self) -> int:
        return sum(len(self.level(level)) for level in LEVELS)
