"""What is known of a family of models before any of them is loaded. Imports no torch, so that doors can ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from videmo.backbone.policy import Policy

Shape = tuple[int, ...]
Json = Mapping[str, object]


@dataclass(frozen=True)
class Family:
    """One architecture: a folder below `backbone/` defines it, `families.py` lists it.

    model_type: as config.json names it.  special: names in config.json of token ids, and the token each stands for;
    every one has a default, as published models leave some out.  shapes: from config.json to every tensor that the
    weights must hold, under the names of published files; raises ValueError where config.json does not describe one.
    stored: such a name of a tensor that a file calls otherwise.  optional: what a file may hold besides.
    policy: the class that loads the family's models; imports torch.
    """

    model_type: str
    special: Mapping[str, tuple[str, int]]
    shapes: Callable[[Json], dict[str, Shape]]
    stored: Callable[[str], str]
    optional: frozenset[str]
    policy: Callable[[], type[Policy]]


def section(config: Json, key: str) -> Json:
    """The section of config.json called `key`. Raises ValueError where there is none."""
    value = config.get(key)
    if not isinstance(value, dict):
        raise ValueError(f"config.json: {key} is missing or no object")
    return value


def number(config: Json, key: str, default: int | None = None, most: int = 1_000_000) -> int:
    """The whole number above 0 that config.json holds under `key`. Raises ValueError where there is none."""
    value = config.get(key, default)
    if type(value) is not int or not 0 < value <= most:
        shown = "is missing" if value is None else f"= {str(value)[:40]}"
        raise ValueError(f"config.json: {key} {shown}; must be a whole number from 1 to {most}")
    return value
