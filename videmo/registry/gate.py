"""The gate's rule, without any registry: may the challenger take the place of the one before it?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from videmo.evaluation.evidence import evidence
from videmo.evaluation.interval import Figure, Interval, bounds_text, figure_text, listed, read_figure
from videmo.evaluation.statistics import FEW, MEASURES, Estimates, Scores, difference, estimate
from videmo.settings.evaluation import Evaluation
from videmo.settings.promotion import Promotion
from videmo.tasks.catalog import COLUMNS, PAPER_COLUMNS

LEAST_GAIN = -100.0  # points: no gain is below it, even if its interval is unknown


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, why in one sentence, and every number that was used.

    Figures are [value, low, high] in points of 0..100, the last two None if the interval is unknown; gains are
    challenger minus opponent, paired. The opponent is the champion, or the base model where there is no champion yet.
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
    tolerances: dict[str, float] = field(default_factory=dict)  # of each task, as it was applied
    challenger_mean15: Figure | None = None
    opponent_mean15: Figure | None = None
    gain: Figure | None = None
    challenger_tasks: dict[str, Figure] = field(default_factory=dict)
    opponent_tasks: dict[str, Figure] = field(default_factory=dict)
    task_gains: dict[str, Figure] = field(default_factory=dict)
    challenger_columns: dict[str, Figure] = field(default_factory=dict)
    opponent_columns: dict[str, Figure] = field(default_factory=dict)
    column_gains: dict[str, Figure] = field(default_factory=dict)
    fallen: list[str] = field(default_factory=list)  # tasks that fell by more than their tolerance, with confidence
    p: dict[str, float] = field(default_factory=dict)  # both: evaluation/evidence.py
    detectable: dict[str, float] = field(default_factory=dict)
    # Set by who calls the gate: digests of model and data, and the last promotion in the history at that time.
    origin: dict[str, str] = field(default_factory=dict)
    after: int = 0

    @property
    def mean_gain(self) -> float | None:
        """The gain in the mean of the tasks, without its interval."""
        return self.gain[0] if self.gain else None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Verdict:
        """A stored verdict, of this version or an earlier one."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: _read(name, value) for name, value in stored.items() if name in known})


SINGLE = ("challenger_mean15", "opponent_mean15", "gain")
NAMED = (
    "challenger_tasks",
    "opponent_tasks",
    "task_gains",
    "challenger_columns",
    "opponent_columns",
    "column_gains",
)


def _read(name: str, stored: Any) -> Any:
    """A field of a stored verdict; its figures may be of an earlier version."""
    lowest = -100.0 if "gain" in name else 0.0
    if name in SINGLE and stored:
        return read_figure(stored, lowest)
    if name in NAMED:
        return {entry: read_figure(figure, lowest) for entry, figure in stored.items()}
    return stored


def judge_challenger(
    challenger: Scores, opponent: Scores, label: str, no_champion: str, promotion: Promotion, evaluation: Evaluation
) -> Verdict:
    """Compare on the same samples. `label` is what the opponent is called; `no_champion` says why it is not a champion,
    and is empty if it is one: only a champion's tasks are compared with the challenger's.

    Refuses where one of the paper's columns is missing, or one that the other model was measured in, or a score is not
    a number; passes where the lower end of the mean gain's interval is above min_gain, or min_gain is below every
    possible gain, and no task's whole interval lies below minus its tolerance.
    """
    ours, theirs = _measured(challenger), _measured(opponent)
    problem = _problem(challenger, theirs - ours, "challenger") or _problem(opponent, ours - theirs, label)
    if problem:
        return Verdict(False, f"The challenger is refused: {problem}.", label)
    sampling = (evaluation.resamples, evaluation.seed)
    gains = difference(challenger, opponent, *sampling)
    tolerances = {task: promotion.task_tolerances.get(task, promotion.task_tolerance) for task in gains.tasks}
    fallen = [] if no_champion else [task for task, gain in gains.tasks.items() if gain.is_below(-tolerances[task])]
    figures = estimate(challenger, *sampling)
    clusters = len(set(challenger.clusters))
    refusal = _refusal(gains, {task: tolerances[task] for task in fallen}, promotion.min_gain, clusters)
    return Verdict(
        passed=refusal is None,
        reason=_reason(figures.mean15, gains.mean15, label, refusal, no_champion),
        opponent=label,
        judge=gains.judge,
        resamples=evaluation.resamples,
        seed=evaluation.seed,
        samples=len(set(challenger.samples)),
        clusters=clusters,
        min_gain=promotion.min_gain,
        tolerances=tolerances,
        fallen=fallen,
        **_figures(figures, estimate(opponent, *sampling), gains),
        **asdict(evidence(challenger, opponent, *sampling)),
    )


def _figures(challenger: Estimates, opponent: Estimates, gains: Estimates) -> dict[str, Any]:
    """The fields of a verdict that hold figures: the means, the tasks and the columns."""
    return {
        "challenger_mean15": challenger.mean15.as_list(),
        "opponent_mean15": opponent.mean15.as_list(),
        "gain": gains.mean15.as_list(),
        "challenger_tasks": listed(challenger.tasks),
        "opponent_tasks": listed(opponent.tasks),
        "task_gains": listed(gains.tasks),
        "challenger_columns": listed(challenger.columns),
        "opponent_columns": listed(opponent.columns),
        "column_gains": listed(gains.columns),
    }


def _measured(scores: Scores) -> set[str]:
    return {MEASURES[measure][0] for measure in np.unique(scores.measures)}


def _problem(scores: Scores, unmatched: set[str], label: str) -> str | None:
    """Why these scores cannot be compared. `unmatched`: the columns that only the other model was measured in."""
    required = {*PAPER_COLUMNS} - _measured(scores) | unmatched
    if missing := [column for column in COLUMNS if column in required]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return f"the {label} has no score in {', '.join(missing[:3])}{more}"
    broken = [sample for sample, value in zip(scores.samples, scores.values, strict=True) if not math.isfinite(value)]
    return f"the {label}'s score of sample {broken[0]} is not a number" if broken else None


def _refusal(gains: Estimates, fallen: Mapping[str, float], min_gain: float, clusters: int) -> str | None:
    """What speaks against the challenger. `fallen`: the tolerance of each task that fell by more than that."""
    if min_gain >= LEAST_GAIN and not gains.mean15.is_above(min_gain):
        more = f"; an interval needs at least {FEW} people, and {clusters} were tested" if clusters < FEW else ""
        return f"the interval's lower end must be above {min_gain:g}{more}"
    falls = [
        f"{task} {figure_text(gains.tasks[task].as_list(), signed=True)} by more than {most:g}"
        for task, most in fallen.items()
    ]
    return f"it falls in {', '.join(falls)} points" if falls else None


def _reason(ours: Interval, gain: Interval, label: str, refusal: str | None, no_champion: str) -> str:
    outcome = "is refused" if refusal else "becomes champion"
    change = f"{gain.value:+z.1f} points {bounds_text(gain.as_list(), signed=True)} against the {label}"
    why = refusal or ("" if no_champion else "no task is seen to fall by more than its tolerance")
    sentences = (f"The challenger {outcome}: mean of the tasks {ours.value:.1f}, {change}", why, no_champion)
    return "; ".join(filter(None, sentences)) + "."
