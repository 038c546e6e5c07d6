"""The gate's rule, without any registry: may the challenger take the place of the one before it?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from videmo.config import Evaluation, Promotion
from videmo.evaluation.evidence import evidence
from videmo.evaluation.statistics import MEASURES, Estimates, Interval, Scores, difference, estimate
from videmo.tasks.catalog import COLUMNS


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, why in one sentence, and every number that was used.

    Figures are [value, low, high] in points of 0..100; gains are challenger minus opponent, paired. The opponent is the
    champion, or the base model where there is no champion yet.
    """

    passed: bool
    reason: str
    opponent: str
    judge: str = ""
    resamples: int = 0
    seed: int = 0
    samples: int = 0
    clusters: int = 0
    min_gain: float = 0.0
    task_tolerance: float = 0.0
    tolerances: dict[str, float] = field(default_factory=dict)  # of each task, as it was applied
    challenger_mean15: list[float] | None = None
    opponent_mean15: list[float] | None = None
    gain: list[float] | None = None
    challenger_tasks: dict[str, list[float]] = field(default_factory=dict)
    opponent_tasks: dict[str, list[float]] = field(default_factory=dict)
    task_gains: dict[str, list[float]] = field(default_factory=dict)
    challenger_columns: dict[str, list[float]] = field(default_factory=dict)
    opponent_columns: dict[str, list[float]] = field(default_factory=dict)
    column_gains: dict[str, list[float]] = field(default_factory=dict)
    fallen: list[str] = field(default_factory=list)  # tasks that fell by more than their tolerance, with confidence
    p: dict[str, float] = field(default_factory=dict)  # both: evaluation/evidence.py
    detectable: dict[str, float] = field(default_factory=dict)
    # Set by who calls the gate: digests of model and data, and the last promotion in the history at that time.
    evidence: dict[str, str] = field(default_factory=dict)
    after: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Verdict:
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


def judge_challenger(
    challenger: Scores, opponent: Scores, name: str, first: bool, promotion: Promotion, evaluation: Evaluation
) -> Verdict:
    """Compare on the same samples. `first`: there is no champion yet, so that tasks are not held against the opponent.

    Refuses where a column is missing or a score is not a number; passes where the lower end of the mean gain's interval
    is above min_gain and no task's whole interval lies below minus its tolerance.
    """
    problem = _problem(challenger, "challenger") or _problem(opponent, name)
    if problem:
        return Verdict(False, f"The challenger is refused: {problem}.", name)
    sampling = (evaluation.resamples, evaluation.seed)
    gains = difference(challenger, opponent, *sampling)
    fallen = [] if first else [task for task, gain in gains.tasks.items() if gain.high < -promotion.tolerance(task)]
    ours, theirs = estimate(challenger, *sampling), estimate(opponent, *sampling)
    return Verdict(
        passed=gains.mean15.low > promotion.min_gain and not fallen,
        reason=_reason(ours, gains, name, first, fallen, promotion),
        opponent=name,
        judge=gains.judge,
        resamples=evaluation.resamples,
        seed=evaluation.seed,
        samples=len(set(challenger.samples)),
        clusters=len(set(challenger.clusters)),
        min_gain=promotion.min_gain,
        task_tolerance=promotion.task_tolerance,
        tolerances={task: promotion.tolerance(task) for task in gains.tasks},
        challenger_mean15=ours.mean15.as_list(),
        opponent_mean15=theirs.mean15.as_list(),
        gain=gains.mean15.as_list(),
        challenger_tasks=_listed(ours.tasks),
        opponent_tasks=_listed(theirs.tasks),
        task_gains=_listed(gains.tasks),
        challenger_columns=_listed(ours.columns),
        opponent_columns=_listed(theirs.columns),
        column_gains=_listed(gains.columns),
        fallen=fallen,
        **asdict(evidence(challenger, opponent, *sampling)),
    )


def _problem(scores: Scores, name: str) -> str | None:
    measured = {MEASURES[measure][0] for measure in np.unique(scores.measures)}
    if missing := [column for column in COLUMNS if column not in measured]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return f"the {name} has no score in {', '.join(missing[:3])}{more}"
    broken = [sample for sample, value in zip(scores.samples, scores.values, strict=True) if not math.isfinite(value)]
    return f"the {name}'s score of sample {broken[0]} is not a number" if broken else None


def _reason(ours: Estimates, gains: Estimates, name: str, first: bool, fallen: list[str], promotion: Promotion) -> str:
    gain = gains.mean15
    change = f"{gain.value:+.1f} points [{gain.low:+.1f}, {gain.high:+.1f}] against the {name}"
    mean = f"mean of the tasks {ours.mean15.value:.1f}, {change}"
    if gain.low <= promotion.min_gain:
        return f"The challenger is refused: {mean}; the interval's lower end must be above {promotion.min_gain:g}."
    if fallen:
        falls = (f"{task} {_points(gains.tasks[task])} by more than {promotion.tolerance(task):g}" for task in fallen)
        return f"The challenger is refused: {mean}; it falls in {', '.join(falls)} points."
    return f"The challenger becomes champion: {mean}" + (
        "; there was no champion yet." if first else "; no task falls."
    )


def _points(gain: Interval) -> str:
    return f"{gain.value:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"


def _listed(figures: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: figure.as_list() for name, figure in figures.items()}
