"""What scores.json holds, and what else is stored of the figures of models."""

from __future__ import annotations

from typing import TypedDict

from videmo.evaluation.interval import Figure


class Figures(TypedDict):
    """The figures of one model, or of the difference between two; what no sample measures is absent."""

    column: dict[str, Figure]
    task: dict[str, Figure]
    table: dict[str, Figure]
    mean15: Figure


class GainFigures(Figures):
    """A paired difference, and what it can show: evaluation/evidence.py."""

    p: dict[str, float]
    detectable: dict[str, float]


class ScoresFile(TypedDict):
    """The figures of models that were asked the same questions."""

    judge: str
    resamples: int
    seed: int
    samples: int
    clips: int
    clusters: int
    models: dict[str, Figures]
    paper_aggregates: dict[str, dict[str, float]]
    gains: dict[str, GainFigures]  # "new - old": of a model over the one before it


class OwnScores(ScoresFile):
    """Those of one model that was evaluated on its own; `unread`: (unreadable, all) answers of a kind."""

    name: str
    unread: dict[str, tuple[int, int]]


class FileScores(OwnScores):
    """Those of a file of answers, and how many faults of each kind it has."""

    faults: dict[str, int]


class RegisteredFigures(TypedDict):
    """Of versions in the registry that answered the questions of a run."""

    judge: str
    models: dict[str, Figures]
