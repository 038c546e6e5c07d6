"""Intervals: bootstrap clustered by person (by clip where people are unknown), for one model or two on the same data.

All answers about one person are drawn or left out together, since they are not independent. A resample is a row of
multinomial counts over the clusters; counts times per-cluster sums give every mean of all resamples in one product.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videmo.evaluation.interval import Interval
from videmo.tasks.catalog import COLUMNS, TASKS

Array = NDArray[np.float64]
MEASURES: tuple[tuple[str, str], ...] = tuple((c.name, part) for c in COLUMNS.values() for part in c.parts)
TABLES: tuple[str, ...] = tuple(dict.fromkeys(column.table for column in COLUMNS.values()))
MEAN15: Final = "mean15"
FEW = 5  # clusters; resamples of fewer are too often identical to show the effect of chance
LOST = 0.05  # share of resamples without a mean; the others would only cover the cases in which nobody is lost


@dataclass(frozen=True)
class Scores:
    """One row for each score a judge gave: which sample, which (column, part) of `MEASURES`, which cluster, 0..100.

    A sample has one row, or six where it counts in the columns of understanding.
    """

    judge: str
    samples: tuple[str, ...]
    measures: NDArray[np.intp]  # (rows,) index into MEASURES
    clusters: tuple[str, ...]
    values: Array  # (rows,) float64


@dataclass(frozen=True)
class Estimates:
    """The figures of one model, or of the difference between two; what no sample measures is absent."""

    judge: str
    columns: dict[str, Interval]
    tasks: dict[str, Interval]
    tables: dict[str, Interval]
    mean15: Interval


def estimate(scores: Scores, resamples: int, seed: int) -> Estimates:
    """The figures of one model with intervals.

    Raises ValueError if there are no scores or one is not a number.
    """
    return _estimates(scores, _figures(scores, resamples, seed))


def difference(challenger: Scores, champion: Scores, resamples: int, seed: int) -> Estimates:
    """Challenger minus champion, paired: each resample draws the same people for both.

    Raises ValueError if the two were not given the same samples by the same judge.
    """
    return _estimates(challenger, resampled_differences(challenger, champion, resamples, seed))


def estimate_over(runs: Sequence[Scores], resamples: int, seed: int) -> Estimates:
    """The mean figures of several runs of one method, such as seeds. Each resample draws the people, the same for all
    runs, and the runs as well (the pigeonhole bootstrap: Owen 2007), so that the interval holds for other people and
    other runs. With one run, what `estimate` gives.
    """
    _check_same_samples(runs)
    return _estimates(runs[0], _mean_of_drawn([_figures(r, resamples, seed) for r in runs], resamples, seed))


def difference_over(challengers: Sequence[Scores], champions: Sequence[Scores], resamples: int, seed: int) -> Estimates:
    """Challenger minus champion as the mean over several runs of both, paired run by run; drawn as `estimate_over`."""
    _check_same_samples(challengers)
    pairs = zip(challengers, champions, strict=True)
    differences = [resampled_differences(ours, theirs, resamples, seed) for ours, theirs in pairs]
    return _estimates(challengers[0], _mean_of_drawn(differences, resamples, seed))


def resampled_differences(challenger: Scores, champion: Scores, resamples: int, seed: int) -> dict[str, Array]:
    """Columns, tasks, tables and MEAN15 of the difference, each (1 + resamples, n): row 0 is the observed one; NaN: not
    measured."""
    _check_same_samples((challenger, champion))
    ours, theirs = _figures(challenger, resamples, seed), _figures(champion, resamples, seed)
    return {name: ours[name] - theirs[name] for name in ours}


def _check_same_samples(compared: Sequence[Scores]) -> None:
    first, *others = compared
    for other in others:
        if first.judge != other.judge:
            raise ValueError(f"scores of different judges cannot be compared: {first.judge} and {other.judge}")
        if _identity(first) != _identity(other):
            raise ValueError("the two models did not answer the same samples; evaluate both on the same ones")


def _mean_of_drawn(runs: Sequence[dict[str, Array]], resamples: int, seed: int) -> dict[str, Array]:
    """The mean over the runs, and over as many runs drawn anew in each resample."""
    chances = np.full(len(runs), 1 / len(runs))
    drawn = np.random.default_rng([seed, len(runs)]).multinomial(len(runs), chances, size=resamples)
    shares = np.vstack([np.ones((1, len(runs))), drawn]) / len(runs)
    return {name: np.einsum("sr,rsf->sf", shares, np.stack([run[name] for run in runs])) for name in runs[0]}


def _identity(scores: Scores) -> set[tuple[str, int, str]]:
    return set(zip(scores.samples, scores.measures.tolist(), scores.clusters, strict=True))


def _figures(scores: Scores, resamples: int, seed: int) -> dict[str, Array]:
    """Every figure as (1 + resamples, n): row 0 is the observed one, NaN is not measured."""
    if not len(scores.values):
        raise ValueError("no scores to compute figures from")
    if not np.isfinite(scores.values).all():
        broken = scores.samples[int(np.flatnonzero(~np.isfinite(scores.values))[0])]
        raise ValueError(f"the score of sample {broken} is not a number")
    sums, counts = _per_cluster(scores)
    weights = resampling_weights(len(sums), resamples, seed)
    with np.errstate(invalid="ignore"):
        parts = (weights @ sums) / (weights @ counts)
    columns = _group_means(parts, [[m for m, (c, _) in enumerate(MEASURES) if c == name] for name in COLUMNS])
    names = list(COLUMNS)
    tasks = _group_means(columns, [[names.index(c) for c in task.columns] for task in TASKS.values()])
    tables = _group_means(columns, [[i for i, c in enumerate(COLUMNS.values()) if c.table == t] for t in TABLES])
    measured = tasks[:, ~np.isnan(tasks[0])]
    # A resample in which a task lost all its samples has no mean over the same tasks: NaN, and left out below.
    return {"columns": columns, "tasks": tasks, "tables": tables, MEAN15: measured.mean(axis=1, keepdims=True)}


def _per_cluster(scores: Scores) -> tuple[Array, Array]:
    """Sums and counts of the scores, each (clusters, measures); clusters in sorted order."""
    _, cluster = np.unique(np.asarray(scores.clusters), return_inverse=True)
    cells = cluster * len(MEASURES) + scores.measures
    shape = (int(cluster.max()) + 1, len(MEASURES))
    size = shape[0] * shape[1]
    sums = np.bincount(cells, weights=scores.values, minlength=size).reshape(shape).astype(float)
    return sums, np.bincount(cells, minlength=size).reshape(shape).astype(float)


def resampling_weights(clusters: int, resamples: int, seed: int) -> Array:
    """(1 + resamples, clusters): a row of ones, then how often each resample draws each cluster."""
    drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples)
    return np.vstack([np.ones((1, clusters)), drawn])


def _group_means(values: Array, groups: Sequence[Sequence[int]]) -> Array:
    """(rows, n) -> (rows, groups): the mean over the members that are measured, NaN where none is."""
    member = np.zeros((values.shape[1], len(groups)))
    for group, indices in enumerate(groups):
        member[list(indices), group] = 1
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return (np.where(known, values, 0) @ member) / (known @ member)


def _estimates(scores: Scores, figures: dict[str, Array]) -> Estimates:
    few = few_clusters(scores)
    all_few = len(set(scores.clusters)) < FEW
    columns = _intervals(COLUMNS, figures["columns"])
    tasks = _intervals(TASKS, figures["tasks"])
    tables, mean15 = _intervals(TABLES, figures["tables"]), _intervals([MEAN15], figures[MEAN15])
    no_mean = all_few or often_lost(figures[MEAN15][1:, 0])
    return Estimates(
        judge=scores.judge,
        columns=_with_unknown(columns, few),
        tasks=_with_unknown(tasks, {name for name in tasks if few & set(TASKS[name].columns)}),
        tables=_with_unknown(tables, set(tables) if all_few else set()),
        mean15=_with_unknown(mean15, {MEAN15} if no_mean else set())[MEAN15],
    )


def few_clusters(scores: Scores) -> set[str]:
    """The columns whose scores come from fewer than FEW clusters."""
    clusters: dict[str, set[str]] = {}
    for measure, cluster in set(zip(scores.measures.tolist(), scores.clusters, strict=True)):
        clusters.setdefault(MEASURES[measure][0], set()).add(cluster)
    return {column for column, found in clusters.items() if len(found) < FEW}


def often_lost(resampled: Array) -> bool:
    """Whether too many resamples have lost every sample of some task, and with it their mean."""
    return bool(np.isnan(resampled).mean() > LOST)


def _with_unknown(intervals: dict[str, Interval], unknown: set[str]) -> dict[str, Interval]:
    return {name: Interval(i.value) if name in unknown else i for name, i in intervals.items()}


def _intervals(names: Iterable[str], figures: Array) -> dict[str, Interval]:
    measured = np.flatnonzero(~np.isnan(figures[0]))
    low, high = np.nanpercentile(figures[1:, measured], (2.5, 97.5), axis=0)
    every = list(names)
    return {every[i]: interval(figures[0, i], low[k], high[k]) for k, i in enumerate(measured)}


def interval(value: float, low: float, high: float) -> Interval:
    """Unknown if no resample gave a value, so that the bounds are not numbers."""
    return Interval(float(value)) if np.isnan(low) else Interval(float(value), float(low), float(high))
