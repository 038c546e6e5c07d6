"""Single choices on the page: what is taken for what, as heat maps and a table, and confidence against truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from videmo.data.shards import Dataset
from videmo.evaluation.choices import (
    UNREAD,
    Bin,
    Choice,
    Confusion,
    calibration,
    calibration_error,
    confusions,
    read_choices,
    surest,
)
from videmo.evaluation.predictions import Prediction
from videmo.evaluation.report_page.mosaic import mosaic

SHADES = 9  # of a heat map
SHOWN_ANSWERS = 4  # of those that the model was surest of, right and wrong
SIDE, LEFT, TOP, BOTTOM = 210, 46, 10, 40  # of the drawing


@dataclass(frozen=True)
class LabelRow:
    """A reference label: how often it was taken for each label, each with its shade, and the share found, 0..100."""

    label: str
    samples: int
    cells: tuple[tuple[int, int], ...]  # count, shade 0..SHADES
    recall: float


@dataclass(frozen=True)
class HeatMap:
    """One confusion; `mistake` is the most frequent one: reference, answer, count."""

    confusion: Confusion
    rows: tuple[LabelRow, ...]
    confidence: float | None  # mean, 0..100
    mistake: tuple[str, str, int] | None


@dataclass(frozen=True)
class ShownAnswer:
    choice: Choice
    frames: str  # data URI


@dataclass(frozen=True)
class ShownChoices:
    """What the page shows of single choices; `diagram` is None if no answer came with log-probabilities."""

    maps: tuple[HeatMap, ...]
    bins: tuple[Bin, ...]
    error: float | None  # of calibration, 0..1
    diagram: Markup | None
    wrong: tuple[ShownAnswer, ...]
    right: tuple[ShownAnswer, ...]


def show_choices(
    predictions: Sequence[Prediction], dataset: Dataset | None, resamples: int, seed: int
) -> ShownChoices | None:
    """None if no question had one right answer. Frames come from `dataset`; without it no answers are shown."""
    choices = read_choices(predictions)
    if not choices:
        return None
    bins = calibration(choices)
    return ShownChoices(
        maps=tuple(_heat_map(found, choices) for found in _emotions_first(confusions(choices, resamples, seed))),
        bins=bins,
        error=calibration_error(bins) if bins else None,
        diagram=reliability(bins) if bins else None,
        wrong=_surest(choices, False, dataset),
        right=_surest(choices, True, dataset),
    )


def reliability(bins: Sequence[Bin]) -> Markup:
    """The share of right answers over the confidence they were given with; on the diagonal, confidence is justified."""
    points = [(LEFT + SIDE * found.confidence, TOP + SIDE * (1 - found.accuracy)) for found in bins]
    foot, end = TOP + SIDE, LEFT + SIDE
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{end}" y1="{foot - SIDE * share:g}" y2="{foot - SIDE * share:g}"/>'
        f'<text x="{LEFT - 6}" y="{foot - SIDE * share + 3.5:g}" text-anchor="end">{100 * share:g}</text>'
        f'<text x="{LEFT + SIDE * share:g}" y="{foot + 14}" text-anchor="middle">{100 * share:g}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    names = (
        f'<text x="{LEFT + SIDE / 2:g}" y="{foot + 32}" text-anchor="middle">mean confidence, %</text>'
        f'<text transform="translate(12 {TOP + SIDE / 2:g}) rotate(-90)" text-anchor="middle">right, %</text>'
    )
    dots = "".join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points)
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    label = "; ".join(f"confidence {b.confidence:.0%}, right {b.accuracy:.0%} of {b.count}" for b in bins)
    return Markup(
        f'<svg class="chart reliability" viewBox="0 0 {end + 10} {foot + BOTTOM}" role="img" '
        f'aria-label="{escape(label)}">{grid}{names}<line class="even" x1="{LEFT}" y1="{foot}" x2="{end}" y2="{TOP}"/>'
        f'<polyline class="curve" points="{path}"/>{dots}</svg>'
    )


def _emotions_first(found: Sequence[Confusion]) -> list[Confusion]:
    return sorted(found, key=lambda confusion: not confusion.name.startswith("emotion"))


def _heat_map(confusion: Confusion, choices: Sequence[Choice]) -> HeatMap:
    known = [c.confidence for c in choices if c.name == confusion.name and c.confidence is not None]
    return HeatMap(
        confusion=confusion,
        rows=tuple(_row(confusion, place) for place, label in enumerate(confusion.labels) if label != UNREAD),
        confidence=100 * sum(known) / len(known) if known else None,
        mistake=_mistake(confusion),
    )


def _row(confusion: Confusion, place: int) -> LabelRow:
    counts = [int(count) for count in confusion.counts[place]]
    samples = sum(counts)
    shades = [-(-SHADES * count // max(1, samples)) for count in counts]  # rounded up: whatever occurs can be seen
    recall = 100 * counts[place] / max(1, samples)
    return LabelRow(confusion.labels[place], samples, tuple(zip(counts, shades, strict=True)), recall)


def _mistake(confusion: Confusion) -> tuple[str, str, int] | None:
    wrong = confusion.counts.copy()
    wrong[range(len(wrong)), range(len(wrong))] = 0
    reference, answer = divmod(int(wrong.argmax()), len(wrong))
    if not wrong.any():
        return None
    return confusion.labels[reference], confusion.labels[answer], int(wrong[reference, answer])


def _surest(choices: Sequence[Choice], right: bool, dataset: Dataset | None) -> tuple[ShownAnswer, ...]:
    if dataset is None:
        return ()
    known = [choice for choice in choices if choice.prediction.clip in dataset.clips]
    chosen = surest(known, right, SHOWN_ANSWERS)
    return tuple(ShownAnswer(choice, mosaic(dataset.frames(choice.prediction.clip), 1, 2)) for choice in chosen)
