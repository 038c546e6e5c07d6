"""A predicted tree against its reference, as one tree: each aspect hangs from the aspect it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from videmo.tree.model import LEVELS, AffectiveTree
from videmo.tree.vocabulary import ASPECTS

Mark = Literal["same", "other", "missing", "added"]


@dataclass(frozen=True)
class Node:
    """An aspect in either tree; `mark` says whether both agree, differ, or only the reference or the answer speaks."""

    level: str
    aspect: str
    reference: str
    predicted: str
    mark: Mark
    children: tuple[Node, ...] = ()


def compare(reference: AffectiveTree, predicted: AffectiveTree) -> tuple[Node, ...]:
    """The roots, those that others rest on first: attribute aspects, and whatever rests on nothing that is there."""
    wanted, stated = _items(reference), _items(predicted)
    present = list(dict.fromkeys([*wanted, *stated]))
    below: dict[tuple[str, str] | None, list[tuple[str, str]]] = {}
    for key in sorted(present, key=lambda key: (LEVELS.index(key[0]), key[1])):
        below.setdefault(_parent(key, present), []).append(key)

    def node(key: tuple[str, str]) -> Node:
        ours, theirs = wanted.get(key, ()), stated.get(key, ())
        children = tuple(node(child) for child in below.get(key, []))
        return Node(key[0], key[1], ", ".join(ours), ", ".join(theirs), _mark(ours, theirs), children)

    return tuple(sorted(map(node, below.get(None, [])), key=lambda root: -size((root,))))


def size(nodes: tuple[Node, ...]) -> int:
    """How many nodes there are, with all below them."""
    return sum(1 + size(node.children) for node in nodes)


def agreement(nodes: tuple[Node, ...]) -> int:
    """How many of them are the same in both trees."""
    return sum((node.mark == "same") + agreement(node.children) for node in nodes)


def _items(tree: AffectiveTree) -> dict[tuple[str, str], tuple[str, ...]]:
    items: dict[tuple[str, str], tuple[str, ...]] = {}
    for level in LEVELS:
        for pair in tree.level(level):
            items[level, pair.aspect] = (*items.get((level, pair.aspect), ()), pair.item)
    return items


def _parent(key: tuple[str, str], present: list[tuple[str, str]]) -> tuple[str, str] | None:
    aspect = ASPECTS.get(key[1])
    if aspect is None or aspect.rests_on is None or aspect.level != key[0]:
        return None
    parent = (ASPECTS[aspect.rests_on].level, aspect.rests_on)
    return parent if parent in present else None


def _mark(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Mark:
    if ours and theirs:
        return "same" if ours == theirs else "other"
    return "missing" if ours else "added"
