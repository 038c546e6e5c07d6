"""The ordered labelled tree that an affective tree stands for: how its pairs hang, and in what order siblings come.

A pair of the expression or emotion level hangs under the pair its aspect rests on (vocabulary `rests_on`); where that
aspect was not stated, under the next one up the chain, at last under the root. Of several items of an aspect the last
in order carries the children. Leaving out a statement thus costs exactly that statement: its children stay in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.vocabulary import ASPECTS

AspectAtLevel = tuple[int, str]
"""An aspect at its level: (index of the level, aspect). The same word on another level is another aspect."""


@dataclass(frozen=True)
class Hung:
    """A node in preorder; `parent` is the index of its parent among the nodes, -1 for the root."""

    level: Level
    pair: Pair
    parent: int


@lru_cache(maxsize=4096)
def chain(aspect: AspectAtLevel) -> tuple[AspectAtLevel, ...]:
    """The aspects from the topmost one that this aspect rests on, down to itself."""
    level, name = aspect
    known = ASPECTS.get(name)
    if known is None or LEVELS[level] != known.level or known.rests_on is None:
        return (aspect,)
    above = ASPECTS[known.rests_on]
    return (*chain((LEVELS.index(above.level), above.name)), aspect)


def preorder_key(aspect: AspectAtLevel, item: str) -> tuple[str, str]:
    """Pairs sorted by this key come in preorder.

    Siblings are sorted by aspect, so that the order of mention in a caption costs nothing in the edit distance; and by
    the whole chain, so that a node whose parent is missing stands where its parent would.
    """
    return _chain_key(aspect), item


@lru_cache(maxsize=4096)
def _chain_key(aspect: AspectAtLevel) -> str:
    # One string sorts faster than the chain itself; NUL comes before every other character, so a chain before its own.
    return "\0".join(f"{level}{name}" for level, name in chain(aspect))


def hang(tree: AffectiveTree) -> tuple[Hung, ...]:
    """The nodes below the root, in preorder."""
    stated = [((index, pair.aspect), pair) for index, level in enumerate(LEVELS) for pair in tree.level(level)]
    newest: dict[AspectAtLevel, int] = {}
    nodes: list[Hung] = []
    for aspect, pair in sorted(stated, key=lambda node: preorder_key(node[0], node[1].item)):
        parent = next((newest[above] for above in reversed(chain(aspect)[:-1]) if above in newest), -1)
        newest[aspect] = len(nodes)
        nodes.append(Hung(LEVELS[aspect[0]], pair, parent))
    return tuple(nodes)
