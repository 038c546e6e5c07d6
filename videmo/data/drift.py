"""Label drift between two data sets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from videmo.settings.sections import StageSettings
from videmo.stages.report import STAGE_FILE, StageReport
from videmo.stages.store import output_of
from videmo.stages.work import stage_directory

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


def run(params: StageSettings, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """The stage drift: compare data_build among `inputs` with the data set before it; writes `drift.json`.

    The metric `moved` is 1 where the labels of any part have moved, or where there is no data set before.
    """
    with stage_directory(output, __name__, params, inputs) as work:
        before = data_before(inputs["data_build"])
        found = compare(before, inputs["data_build"]) if before else []
        (work.path / "drift.json").write_text(
            json.dumps([asdict(drift) for drift in found], indent=1), encoding="utf-8"
        )
        return work.finish({"moved": float(before is None or any(drift.moved for drift in found))})


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
