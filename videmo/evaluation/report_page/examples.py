"""Example answers: whole trees of the best, the middling and the worst, beside the frames they speak about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from videmo.data.shards import Dataset
from videmo.evaluation.predictions import Prediction
from videmo.evaluation.report_page.mosaic import mosaic
from videmo.evaluation.report_page.trees import Node, agreement, compare, size
from videmo.tree.text import parse

PART = "fine_caption"
SHOWN_ADDED = 20  # of the aspects that only the answer has; there is no end to what a model may say


@dataclass(frozen=True)
class Example:
    clip: str
    place: str  # where it stands among all answers
    frames: str  # data URI
    nodes: tuple[Node, ...]
    right: int  # aspects on which both trees agree
    total: int
    left_out: int  # aspects that are not among `nodes`
    question: str
    response: str
    reference: str
    problems: tuple[str, ...]  # what the parser could not read


def choose_examples(predictions: Sequence[Prediction], dataset: Dataset) -> tuple[Example, ...]:
    """The best, two from the middle and the worst of the whole-tree answers, by the share of aspects that agree."""
    answers = [p for p in predictions if p.part == PART and p.clip in dataset.clips]
    ordered = sorted(answers, key=lambda p: (-_share(p), p.id))
    last = len(ordered) - 1
    # Of fewer than four answers, some places coincide: the last name given counts.
    named = {last // 3: "upper third", 2 * last // 3: "lower third", last: "worst", 0: "best"}
    places = named if ordered else {}
    return tuple(_example(ordered[index], place, dataset) for index, place in sorted(places.items()))


def _share(prediction: Prediction) -> float:
    nodes = compare(parse(prediction.reference).tree, parse(prediction.response).tree)
    return agreement(nodes) / max(1, size(nodes))


def _example(prediction: Prediction, place: str, dataset: Dataset) -> Example:
    read = parse(prediction.response)
    nodes = compare(parse(prediction.reference).tree, read.tree)
    added = [node for node in nodes if node.mark == "added"]
    shown = (*(node for node in nodes if node.mark != "added"), *added[:SHOWN_ADDED])
    return Example(
        clip=prediction.clip,
        place=place,
        frames=mosaic(dataset.frames(prediction.clip)),
        nodes=shown,
        right=agreement(nodes),
        total=size(nodes),
        left_out=size(nodes) - size(shown),
        question=prediction.question,
        response=prediction.response,
        reference=prediction.reference,
        problems=tuple(f"at {problem.position}: {problem.reason}" for problem in read.problems[:5]),
    )
