"""Label drift between two data sets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from videmo.stages.report import STAGE_FILE
from videmo.stages.store import output_of

MOVED = 0.2  # population stability index; by convention, below 0.1 is stable and above 0.2 is drift
SIGNIFICANT = 0.01  # p-value below which a difference is not put down to chance
MIN_ANSWERS = 5  # that a part needs in both data sets to be compared


@dataclass(frozen=True)
class Drift:
    """Drift of one part: stability index, p-value of the chi-squared test, number of answers in each data set."""

    part: str
    index: float
    p: float
    before: int
    now: int

    @property
    def moved(self) -> bool:
        return self.index > MOVED and self.p < SIGNIFICANT


def compare(before: Path, now: Path) -> list[Drift]:
    """Compare the answers of two outputs of data_build, part by part; the largest drift first."""
    old, new = _answers(before), _answers(now)
    shared = [part for part in old if part in new and min(old[part].total(), new[part].total()) >= MIN_ANSWERS]
    return sorted((drift_of(part, old[part], new[part]) for part in shared), key=lambda drift: -drift.index)


def data_before(data: Path) -> Path | None:
    """The newest other data set in the store, or None."""
    others = [
        path.parent for path in output_of("data_build", "*").parent.glob(f"*/{STAGE_FILE}") if path.parent != data
    ]
    return max(others, key=lambda path: (path / STAGE_FILE).stat().st_mtime, default=None)


def drift_of(part: str, old: Counter[str], new: Counter[str]) -> Drift:
    """PSI = sum (q - p) ln(q / p) over the answers, with half an answer added to each count, so that none is 0."""
    from scipy.stats import chi2_contingency

    answers = sorted(old | new)
    counts = np.array([[side[answer] for answer in answers] for side in (old, new)], dtype=float)
    shares = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    p = float(chi2_contingency(counts).pvalue) if len(answers) > 1 else 1.0
    return Drift(part, index, p, old.total(), new.total())


def _answers(data: Path) -> dict[str, Counter[str]]:
    from videmo.data.shards import open_dataset
    from videmo.tasks.catalog import PARTS

    counts: dict[str, Counter[str]] = {}
    for sample in open_dataset(data).samples:
        if PARTS[sample.part].answers:
            counts.setdefault(sample.part, Counter())[sample.answer] += 1
    return counts
