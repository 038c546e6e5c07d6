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

Step = tuple[int, str]
"""An aspect at its level: (index of the level, aspect). The same word on another level is another aspect."""


@dataclass(frozen=True)
class Hung:
    """A node in preorder; `parent` is the index of its parent among the nodes, -1 for the root."""

    level: Level
    pair: Pair
    parent: int


@lru_cache(maxsize=4096)
def chain(step: Step) -> tuple[Step, ...]:
    """The aspects from the topmost one that this aspect rests on, down to itself."""
    level, name = step
    aspect = ASPECTS.get(name)
    if aspect is None or LEVELS[level] != aspect.level or aspect.rests_on is None:
        return (step,)
    above = ASPECTS[aspect.rests_on]
    return (*chain((LEVELS.index(above.level), above.name)), step)


def preorder_key(step: Step, item: str) -> tuple[str, str]:
    """Pairs sorted by this key come in preorder.

    Siblings are sorted by aspect, so that the order of mention in a caption costs nothing in the edit distance; and by
    the whole chain, so that a node whose parent is missing stands where its parent would.
    """
    return _chain_key(step), item


@lru_cache(maxsize=4096)
def _chain_key(step: Step) -> str:
    # One string sorts faster than the chain itself; NUL comes before every other character, so a chain before its own.
    return "\0".join(f"{level}{aspect}" for level, aspect in chain(step))


def hang(tree: AffectiveTree) -> tuple[Hung, ...]:
    """The nodes below the root, in preorder."""
    stated = [((index, pair.aspect), pair) for index, level in enumerate(LEVELS) for pair in tree.level(level)]
    newest: dict[Step, int] = {}
    nodes: list[Hung] = []
    for step, pair in sorted(stated, key=lambda node: preorder_key(node[0], node[1].item)):
        parent = next((newest[above] for above in reversed(chain(step)[:-1]) if above in newest), -1)
        newest[step] = len(nodes)
        nodes.append(Hung(LEVELS[step[0]], pair, parent))
    return tuple(nodes)
