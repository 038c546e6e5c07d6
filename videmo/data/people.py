"""Groups of people who share clips: they go into one split, and are one cluster of the bootstrap."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

NOBODY = ("", "-", "?", "n/a", "na", "nan", "none", "null", "unknown")


def people_groups(people: Mapping[str, str | None]) -> dict[str, tuple[set[str], list[str]]]:
    """Connected components of people over shared clips: name -> (people, clips). Unknown people are one each.

    people: clip -> who is seen in it, several joined by `+`; None where that is unknown.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    names = {clip: _names(clip, person) for clip, person in people.items()}
    for first, *others in names.values():
        for other in others:
            parent[root(other)] = root(first)
    groups: dict[str, tuple[set[str], list[str]]] = {}
    for clip, present in names.items():
        who, clips = groups.setdefault(root(present[0]), (set(), []))
        who.update(present)
        clips.append(clip)
    return groups


def people_in(person: str | None) -> tuple[str, ...]:
    """The names in `person`, which joins several by `+`; empty if unknown."""
    return tuple(name.strip() for name in (person or "").split("+") if name.strip())


def one_spelling(person: str) -> str | None:
    """Who is seen, the same for every way to write it; None if the names are of nobody.

    >>> one_spelling("ANNA + unknown"), one_spelling("n/a")
    ('anna', None)
    """
    names = (" ".join(unicodedata.normalize("NFC", name).casefold().split()) for name in person.split("+"))
    return "+".join(name for name in names if name not in NOBODY) or None


def _names(clip: str, person: str | None) -> list[str]:
    return [f"person {name}" for name in people_in(person)] or [f"clip {clip}"]
