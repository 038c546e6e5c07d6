"""Zhang-Shasha's ordered tree edit distance, compiled, over integer-coded trees in flat arrays.

Zhang and Shasha, "Simple fast algorithms for the editing distance between trees and related problems", SIAM J. Comput.
18(6), 1989. Importing this module imports numba; the compiled code is cached on disk.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_compiled = njit(cache=True, nogil=True, error_model="numpy")


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
        start, nodes = starts[tree], starts[tree + 1] - starts[tree]
        base, depth, emitted = start + tree, 0, 0
        for node in range(nodes + 1):
            parent = -1
            if node < nodes:
                aspect = above[aspects[labels[start + node]]]
                while aspect >= 0 and newest[aspect] < 0:
                    aspect = above[aspect]
                parent = newest[aspect] if aspect >= 0 else -1
            while depth and (node == nodes or stack[depth - 1] != parent):
                depth -= 1
                label[base + emitted] = labels[start + stack[depth]]
                left[base + emitted] = first[stack[depth]]
                emitted += 1
            if node < nodes:
                stack[depth], first[node] = node, emitted
                depth += 1
                newest[aspects[labels[start + node]]] = node
        label[base + nodes], left[base + nodes] = -1, 0
        for node in range(nodes):
            newest[aspects[labels[start + node]]] = -1
        counts[tree] = _keyroots(left[base : base + nodes + 1], last, keyroots[base : base + nodes + 1])
    return label, left, keyroots, counts


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
    and within an aspect `table[soft[a], soft[b]]` where both are >= 0, otherwise `same`.  Returns (pairs,) float64.
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
    for i in range(len(label_a)):
        a = label_a[i]
        for j in range(len(label_b)):
            b = label_b[j]
            if a == b:
                cost = 0.0
            elif a < 0 or b < 0 or aspects[a] != aspects[b]:
                cost = other
            elif soft[a] >= 0 and soft[b] >= 0:
                cost = table[soft[a], soft[b]]
            else:
                cost = same
            subtrees[i, j] = cost


@_compiled
def _fill(forest, subtrees, left_a, left_b, keys_a, keys_b):  # type: ignore[no-untyped-def]
    """The dynamic programme: `subtrees` holds relabelling costs when it begins and subtree distances when it ends.

    Every two nodes form a pair of whole subtrees under exactly one pair of keyroots, so each cost is read once, just
    before its distance takes its place.
    """
    for x in keys_a:
        first_a = left_a[x]
        for y in keys_b:
            first_b = left_b[y]
            for i in range(first_a, x + 1):
                row, whole_a, cut_a = i - first_a + 1, left_a[i] == first_a, left_a[i] - first_a
                for j in range(first_b, y + 1):
                    column = j - first_b + 1
                    best = min(forest[row - 1, column], forest[row, column - 1]) + 1.0
                    if whole_a and left_b[j] == first_b:
                        best = min(best, forest[row - 1, column - 1] + subtrees[i, j])
                        subtrees[i, j] = best
                    else:
                        best = min(best, forest[cut_a, left_b[j] - first_b] + subtrees[i, j])
                    forest[row, column] = best
