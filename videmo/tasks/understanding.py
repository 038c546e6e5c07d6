"""The `rules` judge: scores 0..100 of a tree answer against the reference tree, computed from the trees themselves.

It stands in for the language-model judge of the paper; its scores are its own, not comparable with another judge's.
"""

from __future__ import annotations

import math

from videmo.tasks.metrics import f1
from videmo.tree.distance import distance
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.text import Parsed, parse


def caption_score(answer: str, reference: AffectiveTree) -> float:
    """Appearance, action and emotion captions: F1 of the stated pairs, 200 |A & R| / (|A| + |R|)."""
    return _overlap(parse(answer), reference, LEVELS)


def understanding_scores(answer: str, reference: AffectiveTree) -> dict[str, float]:
    """The six scores of a fine-grained caption or rationale; A and R are the pairs of answer and reference.

    label_overlap: F1 of the emotion level.  clue_overlap: F1 of the expression and attribute levels together.
    response_accuracy: precision, 100 |A & R| / |A|; 0 for an answer that states nothing.
    video_text_relevance: 100 exp(-Edit(T_R, T_A) / max(1, |R|)), the closeness of the whole account to what the video
    shows, by the size of the reference so that short and long accounts weigh alike: silence scores 37, nonsense less.
    instruction_adherence and fluency: see their functions.
    """
    read = parse(answer)
    stated, wanted = _stated(read.tree, LEVELS), _stated(reference, LEVELS)
    closeness = math.exp(-distance(reference, read.tree) / max(1, len(reference)))
    return {
        "label_overlap": _overlap(read, reference, ("emotion",)),
        "clue_overlap": _overlap(read, reference, ("attribute", "expression")),
        "instruction_adherence": instruction_adherence(read),
        "response_accuracy": 100 * len(stated & wanted) / len(stated) if stated else 0.0,
        "video_text_relevance": 100 * closeness if read.levels else 0.0,
        "fluency": fluency(answer, read),
    }


def instruction_adherence(answer: Parsed) -> float:
    """100 * c/3 * o * p/(p + q): c complete segments of the three, o = 1 where they come in order and 1/2 where not,
    p pairs stated, q problems found by the parser. An answer that states nothing adheres to nothing."""
    stated, problems = len(answer.tree) + answer.repeats, len(answer.problems)
    if not stated:
        return 0.0
    order = 1.0 if list(answer.levels) == sorted(answer.levels, key=LEVELS.index) else 0.5
    return 100 * len(answer.levels) / len(LEVELS) * order * stated / (stated + problems)


def fluency(text: str, answer: Parsed) -> float:
    """100 * d/p * c/t * p/(p + q): d different pairs of the p stated, c complete segments of the t tags opened, q
    problems found by the parser. It does not matter whether the pairs are true; an answer without pairs scores 0."""
    different, problems = len(answer.tree), len(answer.problems)
    opened = sum(text.count(f"<{level}>") for level in LEVELS)
    if not different:
        return 0.0
    stated = different + answer.repeats
    return 100 * different / stated * len(answer.levels) / opened * stated / (stated + problems)


def _overlap(answer: Parsed, reference: AffectiveTree, levels: tuple[Level, ...]) -> float:
    """F1 of the pairs on some levels; 0 where none of those levels could be read, even if the reference is empty."""
    readable = set(levels) & set(answer.levels)
    return f1(_stated(answer.tree, levels) if readable else None, _stated(reference, levels))


def _stated(tree: AffectiveTree, levels: tuple[Level, ...]) -> set[tuple[Level, Pair]]:
    return {(level, pair) for level in levels for pair in tree.level(level)}
