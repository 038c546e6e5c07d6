"""Edit distance between affective trees: how many statements have to be added, dropped or changed.

Inserting or deleting a statement costs 1. Changing its item costs `Costs.label`, or what a table of item costs says.
Turning it into a statement of another aspect costs `Costs.other`. The tree is that of tree/ordered.py; the algorithm is
Zhang and Shasha's (1989), compiled. Distances are raw, not normalised by size.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.ordered import AspectAtLevel, chain, preorder_key

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Costs:
    """What an edit costs, in insertions.

    label: 0..1, same aspect and other item.  other: label/2..2, another aspect; the default 2 is a deletion and an
    insertion, so that a false statement in place of a missing one costs more than silence.  items: costs 0..1 of two
    items of one aspect where they differ from `label`, in either order, such as neighbours on the emotion wheel.

    The distance is a metric where label > 0 and the item costs, completed by `label`, obey the triangle inequality.
    Raises ValueError out of range.
    """

    label: float = 0.5
    other: float = 2.0
    items: Mapping[tuple[Pair, Pair], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.label <= 1:
            raise ValueError(f"label = {self.label}: a relabelling within an aspect costs 0..1")
        if not self.label / 2 <= self.other <= 2:
            raise ValueError(f"other = {self.other}: a relabelling across aspects costs {self.label / 2}..2")
        for (a, b), cost in self.items.items():
            if a.aspect != b.aspect or not 0 <= cost <= 1:
                raise ValueError(f"items[{a}, {b}] = {cost}: two items of one aspect cost 0..1")


DEFAULT = Costs()


def distance(a: AffectiveTree, b: AffectiveTree, costs: Costs = DEFAULT) -> float:
    """The edit distance of one pair; `distances` is faster for many."""
    return float(distances([(a, b)], costs)[0])


def distances(pairs: Sequence[tuple[AffectiveTree, AffectiveTree]], costs: Costs = DEFAULT) -> Floats:
    """The edit distances of pairs of trees: (pairs,). A tree object that stands in several pairs is encoded once."""
    from videmo.tree.zhang_shasha import forest_distances, postorder_forest  # numba takes its time to import

    forest = {id(tree): tree for pair in pairs for tree in pair}
    number = {identity: index for index, identity in enumerate(forest)}
    code = _encode(list(forest.values()))
    label, left, keyroots, counts = postorder_forest(code.labels, code.starts, code.aspects, code.above)
    soft, table = _item_costs(code, costs)
    chosen = _ints([number[id(tree)] for pair in pairs for tree in pair]).reshape(-1, 2)
    bases = code.starts + np.arange(len(code.starts), dtype=np.int32)
    apart: Floats = forest_distances(
        chosen, bases, label, left, keyroots, counts, code.aspects, soft, table, float(costs.other), float(costs.label)
    )
    return apart


@dataclass(frozen=True)
class _Code:
    """Trees as integers: labels number the distinct statements of the batch in preorder, aspects their aspects."""

    statements: list[tuple[AspectAtLevel, str]]  # of each label
    labels: Ints  # (nodes,) of all trees, each tree's ascending
    starts: Ints  # (trees + 1,)
    aspects: Ints  # (labels,)
    above: Ints  # (aspects,) the aspect each hangs from, -1: the root


def _encode(trees: Sequence[AffectiveTree]) -> _Code:
    # By level, aspect and item: strings keep their hashes, where a Pair's own would be computed again each time.
    fresh = count()
    seen: list[dict[str, dict[str, int]]] = [defaultdict(lambda: defaultdict(fresh.__next__)) for _ in LEVELS]
    flat: list[int] = []
    starts = [0]
    for tree in trees:
        for known, level in zip(seen, LEVELS, strict=True):
            flat += [known[pair.aspect][pair.item] for pair in tree.level(level)]
        starts.append(len(flat))
    statements = {
        label: ((index, aspect), item)
        for index, known in enumerate(seen)
        for aspect, items in known.items()
        for item, label in items.items()
    }
    return _in_preorder([statements[label] for label in range(len(statements))], _ints(flat), _ints(starts))


def _ints(numbers: list[int]) -> Ints:
    return np.frombuffer(array("i", numbers), np.int32)  # several times faster than np.array of a list


def _in_preorder(statements: list[tuple[AspectAtLevel, str]], labels: Ints, starts: Ints) -> _Code:
    """Number the labels anew, so that sorting a tree's labels puts them in preorder."""
    order = sorted(range(len(statements)), key=lambda label: preorder_key(*statements[label]))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    labels = rank[labels]
    tree = np.repeat(np.arange(len(starts) - 1, dtype=np.int64), np.diff(starts))
    ordered = [statements[label] for label in order]
    aspects = list(dict.fromkeys(aspect for used, _ in ordered for aspect in chain(used)))
    number = {aspect: index for index, aspect in enumerate(aspects)}
    return _Code(
        ordered,
        (np.sort(tree * len(order) + labels) % max(1, len(order))).astype(np.int32),
        starts,
        np.array([number[aspect] for aspect, _ in ordered], np.int32),
        np.array([number[chain(aspect)[-2]] if len(chain(aspect)) > 1 else -1 for aspect in aspects], np.int32),
    )


def _item_costs(code: _Code, costs: Costs) -> tuple[Ints, Floats]:
    """The table of item costs over the items it names: (labels,) row of each label or -1, (rows, rows) costs."""
    named = {pair: row for row, pair in enumerate(dict.fromkeys(pair for both in costs.items for pair in both))}
    table = np.full((max(1, len(named)),) * 2, costs.label, np.float64)
    for (a, b), cost in costs.items.items():
        table[named[a], named[b]] = table[named[b], named[a]] = cost
    if not named:
        return np.full(len(code.statements), -1, np.int32), table
    rows = [named.get(Pair(name, item), -1) for (_, name), item in code.statements]
    return np.array(rows, np.int32), table
