"""Zhang-Shasha's ordered tree edit distance, compiled, over integer-coded trees in flat arrays.

Zhang and Shasha, "Simple fast algorithms for the editing distance between trees and related problems", SIAM J. Comput.
18(6), 1989. Importing this module imports numba; the compiled code is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    compiled: Callable[Arguments, Result]
    try:
        compiled = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # nowhere to keep the code, as in a container that may not write: compile in every process
        compiled = njit(function, nogil=True, error_model="numpy")
    return compiled


@_compiled
def postorder_forest(labels, starts, aspects, above):  # type: ignore[no-untyped-def]
    """Trees in preorder -> postorder arrays, each with a root of label -1 added.

    labels: (nodes,) labels of all trees, each tree's sorted, so that they are in preorder.  starts: (trees + 1,) where
    each tree begins.  aspects: (labels,) aspect of a label.  above: (aspects,) the aspect that an aspect hangs from,
    -1 for the root.  Returns label (nodes + trees,), leftmost leaf (same), keyroots (same, of which the first
    `counts[tree]` of each tree are set) and counts (trees,); tree t begins at starts[t] + t.
    """
    trees = len(starts) - 1
    size = len(labels) + trees
    label, left, keyroots = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    counts = np.zeros(trees, np.int32)
    newest = np.full(len(above), -1, np.int32)
    most = 1
    for tree in range(trees):
        most = max(most, starts[tree + 1] - starts[tree] + 1)
    stack, first, last = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    for tree in range(trees):
        nodes, own = slice(starts[tree], starts[tree + 1]), slice(starts[tree] + tree, starts[tree + 1] + tree + 1)
        _postorder(labels[nodes], aspects, above, newest, stack, first, label[own], left[own])
        counts[tree] = _keyroots(left[own], last, keyroots[own])
    return label, left, keyroots, counts


@_compiled
def _postorder(labels, aspects, above, newest, stack, first, label, left):  # type: ignore[no-untyped-def]
    """One tree in preorder -> its `label` and `left`. `newest` is all -1 before and after; `stack` and `first` are room
    for as many nodes as there are."""
    nodes, depth, emitted = len(labels), 0, 0
    for node in range(nodes + 1):
        parent = -1
        if node < nodes:
            aspect = above[aspects[labels[node]]]
            while aspect >= 0 and newest[aspect] < 0:
                aspect = above[aspect]
            parent = newest[aspect] if aspect >= 0 else -1
        while depth and (node == nodes or stack[depth - 1] != parent):
            depth -= 1
            label[emitted] = labels[stack[depth]]
            left[emitted] = first[stack[depth]]
            emitted += 1
        if node < nodes:
            stack[depth], first[node] = node, emitted
            depth += 1
            newest[aspects[labels[node]]] = node
    label[nodes], left[nodes] = -1, 0
    for node in range(nodes):
        newest[aspects[labels[node]]] = -1


@_compiled
def _keyroots(left, last, keyroots):  # type: ignore[no-untyped-def]
    """Write the keyroots (of every leftmost leaf the highest node) in ascending order; returns how many there are."""
    for node in range(len(left)):
        last[left[node]] = node
    count = 0
    for node in range(len(left)):
        if last[left[node]] == node:
            keyroots[count] = node
            count += 1
    return count


@_compiled
def forest_distances(pairs, bases, label, left, keyroots, counts, aspects, soft, table, other, same):  # type: ignore[no-untyped-def]
    """Edit distances of pairs of trees, insertion and deletion 1.

    pairs: (pairs, 2) trees.  bases: (trees + 1,) where each tree's nodes begin.  label, left, keyroots, counts: as
    `postorder_forest` returns them.  aspects: (labels,).  Relabelling costs 0 within a label, `other` across aspects,
    and within an aspect `table[soft[a], soft[b]]` where both are >= 0, otherwise `same`; none of them more than 2, a
    deletion and an insertion.  Returns (pairs,) float64.
    """
    most = 1
    for tree in range(len(bases) - 1):
        most = max(most, bases[tree + 1] - bases[tree])
    forest = np.empty((most + 1, most + 1), np.float64)
    subtrees = np.empty((most, most), np.float64)
    distances = np.empty(len(pairs), np.float64)
    for cell in range(most + 1):
        forest[cell, 0] = forest[0, cell] = cell
    for index in range(len(pairs)):
        a, b = pairs[index, 0], pairs[index, 1]
        x, y = slice(bases[a], bases[a + 1]), slice(bases[b], bases[b + 1])
        _fill_relabel(subtrees, label[x], label[y], aspects, soft, table, other, same)
        keys_a, keys_b = keyroots[bases[a] : bases[a] + counts[a]], keyroots[bases[b] : bases[b] + counts[b]]
        _fill(forest, subtrees, left[x], left[y], keys_a, keys_b)
        distances[index] = subtrees[bases[a + 1] - bases[a] - 1, bases[b + 1] - bases[b] - 1]
    return distances


@_compiled
def _fill_relabel(subtrees, label_a, label_b, aspects, soft, table, other, same):  # type: ignore[no-untyped-def]
    """Relabelling costs of every two nodes, in the matrix that `_fill` turns into distances of their subtrees."""
    aspect_b = np.array([aspects[b] if b >= 0 else -1 for b in label_b])
    tabled = soft.max() >= 0 if len(soft) else False
    for i in range(len(label_a)):
        a = label_a[i]
        aspect = aspects[a] if a >= 0 else -1
        cost = subtrees[i]
        for j in range(len(label_b)):
            cost[j] = (0.0 if a == label_b[j] else same) if aspect == aspect_b[j] else other
        if tabled and a >= 0 and soft[a] >= 0:
            for j in range(len(label_b)):
                b = label_b[j]
                if b >= 0 and a != b and aspect == aspect_b[j] and soft[b] >= 0:
                    cost[j] = table[soft[a], soft[b]]


@_compiled
def _fill(forest, subtrees, left_a, left_b, keys_a, keys_b):  # type: ignore[no-untyped-def]
    """The dynamic programme: `subtrees` holds relabelling costs when it begins and subtree distances when it ends.

    Every two nodes form a pair of whole subtrees under exactly one pair of keyroots, so each cost is read once, just
    before its distance takes its place.
    """
    _fill_leaves(subtrees, left_a, left_b, keys_a, keys_b)
    for x in keys_a:
        first_a = left_a[x]
        for y in keys_b:
            first_b = left_b[y]
            if first_a == x or first_b == y:
                continue  # a leaf: done
            for i in range(first_a, x + 1):
                row, cut_a = i - first_a + 1, left_a[i] - first_a
                above, now, cut, cost = forest[row - 1], forest[row], forest[cut_a], subtrees[i]
                best = now[0]
                for j in range(first_b, y + 1):
                    # Unsigned indices: numba then spares the question whether they count from the end.
                    column, cut_b = np.uint32(j - first_b + 1), np.uint32(left_b[j] - first_b)
                    best = min(best, above[column]) + 1.0
                    if cut_a or cut_b:
                        best = min(best, cut[cut_b] + cost[np.uint32(j)])
                    else:
                        best = min(best, above[column - np.uint32(1)] + cost[np.uint32(j)])
                        cost[j] = best
                    now[column] = best


@_compiled
def _fill_leaves(subtrees, left_a, left_b, keys_a, keys_b):  # type: ignore[no-untyped-def]
    """Distances of leaves that are keyroots, most of a flat tree, to every subtree, in closed form.

    One node of the subtree is relabelled, the cheapest, and the others are inserted. Descending, so that the costs of a
    subtree's nodes are still there when it is reached.
    """
    for i in range(len(left_a) - 1, -1, -1):
        if left_a[i] < i:
            least = subtrees[i, : len(left_b)].copy()
            for k in range(left_a[i], i):
                cost = subtrees[k]
                for j in range(len(left_b)):
                    least[j] = cost[j] if cost[j] < least[j] else least[j]
            for y in keys_b:
                if left_b[y] == y:
                    subtrees[i, y] = least[y] + (i - left_a[i])
    for j in range(len(left_b) - 1, -1, -1):
        if left_b[j] < j:
            for x in keys_a:
                if left_a[x] == x:
                    cost = subtrees[x]
                    fewest = cost[j]
                    for k in range(left_b[j], j):
                        fewest = cost[k] if cost[k] < fewest else fewest
                    cost[j] = fewest + (j - left_b[j])
