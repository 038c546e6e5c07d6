"""How much a paired difference of two models shows: p-values, and the smallest difference that the test can detect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from videmo.evaluation.statistics import FEW, MEAN15, Array, Scores, few_clusters, often_lost, resampled_differences
from videmo.tasks.catalog import TASKS

DETECTABLE = 2.80  # standard errors: the normal quantiles of 0.975 and 0.8
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Evidence:
    """What a paired difference of two models can and cannot show; by task, and for MEAN15 where stated.

    p: of no difference at all, two-sided, adjusted for looking at so many tasks at once (Holm 1979): the chance that
    any of those called different at p is not is at most p.  detectable: the smallest true difference, with MEAN15, that
    tests of this size would find in four cases out of five.
    """

    p: dict[str, float]
    detectable: dict[str, float]


def evidence(challenger: Scores, champion: Scores, resamples: int, seed: int) -> Evidence:
    """What the resamples of `difference` show. A task that fewer than FEW clusters measure is left out, and so is every
    p if there are too few resamples for any to fall below SIGNIFICANT.

    p is twice the share of resamples on the other side of zero, one added to count the data themselves (Davison and
    Hinkley 1997, section 4.4). The detectable difference is z(0.975) + z(0.8) = 2.80 standard errors, the error that of
    the resamples (Bloom 1995).
    """
    if len(set(challenger.clusters)) < FEW:
        return Evidence({}, {})
    figures = resampled_differences(challenger, champion, resamples, seed)
    few = few_clusters(challenger)
    tasks = [name for name, task in TASKS.items() if not few & set(task.columns)]
    drawn = dict(zip(TASKS, figures["tasks"][1:].T, strict=True))
    measured = {name: drawn[name] for name in tasks if not np.isnan(drawn[name]).all()}
    mean = figures[MEAN15][1:, 0]
    spread = measured if often_lost(mean) else {**measured, MEAN15: mean}
    adjusted = dict(zip(measured, holm([_two_sided(values) for values in measured.values()]), strict=True))
    reachable = 2 * len(measured) / (resamples + 1) < SIGNIFICANT
    return Evidence(
        p=adjusted if reachable else {},
        detectable={name: DETECTABLE * float(np.nanstd(values, ddof=1)) for name, values in spread.items()},
    )


def holm(p: Sequence[float]) -> list[float]:
    """p-values adjusted to control the chance of any false discovery among them (Holm 1979)."""
    order = sorted(range(len(p)), key=p.__getitem__)
    adjusted, highest = [1.0] * len(p), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - place) * p[index]))
        adjusted[index] = highest
    return adjusted


def _two_sided(resampled: Array) -> float:
    known = resampled[~np.isnan(resampled)]
    smaller = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (len(known) + 1))
