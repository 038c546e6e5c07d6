"""Answers to single-choice questions: confusion matrices, and the calibration of confidence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videmo.evaluation.interval import Interval
from videmo.evaluation.predictions import Prediction, clusters_of
from videmo.evaluation.statistics import FEW, interval, resampling_weights
from videmo.tasks.catalog import PARTS
from videmo.tasks.metrics import recalls
from videmo.tasks.questions import answer_space, aspect_of, has_one_answer, read_answer

Array = NDArray[np.float64]
Counts = NDArray[np.intp]
UNREAD = "unread"  # an answer that names none of the choices, or several
BINS = 10


@dataclass(frozen=True)
class Choice:
    """An answer where one of several was asked for; `chosen` is as the answer space has it, or UNREAD.

    `confidence` is the probability that the model gave to its answer, None if that is not known.
    """

    prediction: Prediction
    aspect: str | None  # what a question of an open part asks for
    reference: str
    chosen: str
    confidence: float | None

    @property
    def name(self) -> str:
        """What is chosen: the aspect that an open part asks for, else the part."""
        return self.aspect or self.prediction.part

    @property
    def right(self) -> bool:
        return self.chosen == self.reference


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix; `name` says of which choices.

    counts: (labels, labels), rows the references, columns the answers; the last label of both is UNREAD.
    """

    name: str
    labels: tuple[str, ...]
    counts: Counts
    uar: Interval
    war: Interval

    @property
    def samples(self) -> int:
        return int(self.counts.sum())

    @property
    def commonest(self) -> float:
        """The WAR, 0..100, of always saying the label that occurs most often."""
        return 100 * float(self.counts.sum(axis=1).max()) / self.samples


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence: how many, their mean confidence, and the share of right ones, both 0..1."""

    count: int
    confidence: float
    accuracy: float


def read_choices(predictions: Iterable[Prediction]) -> tuple[Choice, ...]:
    """The answers to questions that have one right answer, in the order of the catalogue, of open parts by aspect."""
    place = {name: index for index, name in enumerate(PARTS)}
    single = (p for p in predictions if p.part in PARTS and has_one_answer(PARTS[p.part]))
    read = sorted(map(_read, single), key=lambda choice: (place[choice.prediction.part], choice.aspect or ""))
    return tuple(choice for choice in read if choice.reference != UNREAD)


def confusions(choices: Iterable[Choice], resamples: int, seed: int) -> tuple[Confusion, ...]:
    """The confusion of everything that was chosen."""
    groups: dict[str, list[Choice]] = {}
    for choice in choices:
        groups.setdefault(choice.name, []).append(choice)
    return tuple(_confusion(name, group, resamples, seed) for name, group in groups.items())


def taken_for(choices: Sequence[Choice], labels: Sequence[str]) -> Counts:
    """The confusion matrix: (labels, labels), rows the references, columns the answers."""
    place = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, ([place[c.reference] for c in choices], [place[c.chosen] for c in choices]), 1)
    return counts


def calibration(choices: Iterable[Choice], bins: int = BINS) -> tuple[Bin, ...]:
    """The answers in `bins` of equally many, the least confident first.

    Bins of equal count, since most answers of a trained model are confident (Nguyen and O'Connor 2015).
    Answers of the same confidence stay together, so that there can be fewer bins.
    """
    known = np.array([(c.confidence, c.right) for c in choices if c.confidence is not None], dtype=float)
    if not len(known):
        return ()
    edges = np.quantile(known[:, 0], np.arange(1, bins) / bins)
    place = np.searchsorted(edges, known[:, 0])
    parts = (known[place == number] for number in np.unique(place))
    return tuple(Bin(len(part), *map(float, part.mean(axis=0))) for part in parts)


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE = sum_b n_b / n |accuracy_b - confidence_b|, 0..1 (Naeini et al. 2015; Guo et al. 2017, eq. 3)."""
    total = sum(b.count for b in bins)
    return math.fsum(b.count * abs(b.accuracy - b.confidence) for b in bins) / total


def surest(choices: Iterable[Choice], right: bool, count: int) -> tuple[Choice, ...]:
    """The answers, right or wrong, that the model was surest of, each a choice of something else."""
    known = [c for c in choices if c.right == right and c.confidence is not None]
    first: dict[str, Choice] = {}
    for choice in sorted(known, key=lambda c: (-(c.confidence or 0.0), c.prediction.id)):
        first.setdefault(choice.name, choice)
    return tuple(first.values())[:count]


def _read(prediction: Prediction) -> Choice:
    part = PARTS[prediction.part]
    aspect = aspect_of(part, prediction.question)

    def label(text: str) -> str:
        read = read_answer(text, part, aspect) or ()
        return read[0] if len(read) == 1 else UNREAD

    return Choice(prediction, aspect, label(prediction.reference), label(prediction.response), _confidence(prediction))


def _confidence(prediction: Prediction) -> float | None:
    """exp of the sum of the tokens' log-probabilities, the end of the answer among them."""
    total = sum(logprob for _, logprob in prediction.logprobs)
    return math.exp(min(0.0, total)) if prediction.logprobs and not math.isnan(total) else None


def _confusion(name: str, choices: Sequence[Choice], resamples: int, seed: int) -> Confusion:
    labels = (*answer_space(PARTS[choices[0].prediction.part], choices[0].aspect), UNREAD)
    recall = recalls([c.chosen for c in choices], [c.reference for c in choices])
    drawn = _drawn(choices, labels, resamples, seed)
    uar = _interval(recall["uar"], drawn, lambda counts, hits: np.nanmean(hits / counts, axis=1))
    war = _interval(recall["war"], drawn, lambda counts, hits: hits.sum(axis=1) / counts.sum(axis=1))
    return Confusion(name, labels, taken_for(choices, labels), uar, war)


def _drawn(choices: Sequence[Choice], labels: Sequence[str], resamples: int, seed: int) -> tuple[Array, Array] | None:
    """How often each label was asked for and found, in resamples of the people: two of (resamples, labels); None if
    there are too few people."""
    cluster = clusters_of(choice.prediction for choice in choices)
    clusters, of = np.unique([cluster[choice.prediction.clip] for choice in choices], return_inverse=True)
    if len(clusters) < FEW:
        return None
    counts = np.zeros((2, len(clusters), len(labels)))
    cells = of, np.array([labels.index(choice.reference) for choice in choices])
    np.add.at(counts[0], cells, 1)
    np.add.at(counts[1], cells, [choice.right for choice in choices])
    weights = resampling_weights(len(clusters), resamples, seed)[1:]
    return weights @ counts[0], weights @ counts[1]


def _interval(value: float, drawn: tuple[Array, Array] | None, figure: Callable[[Array, Array], Array]) -> Interval:
    if drawn is None:
        return Interval(value)
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile(100 * figure(*drawn), (2.5, 97.5))
    return interval(value, low, high)
