"""Rewards of generated answers: named terms, each in 0..1. Pure.

Fine-grained captions: R = exp(-lambda * Edit(T_reference, T_answer)) (VidEmo, section 3), for the whole tree and for
each level alone, and the scorer's score if there is a scorer. Questions: accuracy for a single choice, per-sample
micro-F1 for multiple choice. Both: a format term. The total is the mean of the terms that apply, weighted by the
settings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from videmo.settings.rl import Reward
from videmo.tasks.catalog import Part
from videmo.tasks.metrics import accuracy, f1
from videmo.tasks.questions import read_answer, write_answer
from videmo.tree.distance import Costs, distances
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.text import Parsed, parse, render

# An answer in sentences is about twice as long as its list of pairs; beyond this factor it is padding.
LONGEST = 3


@dataclass(frozen=True)
class Terms:
    """The reward of one answer. Terms that do not apply are None.

    An answer is either a caption or the answer to a question; a scorer is only asked about complete captions.
    `attribute`, `expression` and `emotion` are the caption reward of one level alone. They are not part of the total,
    but of the values of the rollout's inner nodes.
    """

    total: float
    format: float
    tree: float | None = None
    attribute: float | None = None
    expression: float | None = None
    emotion: float | None = None
    qa: float | None = None
    scorer: float | None = None

    def named(self) -> dict[str, float]:
        """The terms that apply, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def level(self, level: Level) -> float:
        """The caption reward of one level; 0 for the answer to a question, which has no levels."""
        return getattr(self, level) or 0.0


def caption_rewards(
    texts: Sequence[str],
    reference: AffectiveTree,
    settings: Reward,
    levels: tuple[Level, ...] = LEVELS,
    scored: Sequence[float | None] | None = None,
) -> list[Terms]:
    """The rewards of several answers to one request for a caption with the segments `levels`.

    `scored`: the scorer's score of each answer, 0..1, or None for answers that it was not asked about.
    """
    answers = [parse(text) for text in texts]
    views = [(reference, [answer.tree for answer in answers])]
    views += [(reference.only(level), [answer.tree.only(level) for answer in answers]) for level in LEVELS]
    pairs = [(target, tree) for target, trees in views for tree in trees]
    edits = distances(pairs, edit_costs(settings)).reshape(len(views), len(texts))
    whole, *alone = np.exp(-settings.edit_lambda * edits).tolist()
    longest = LONGEST * len(render(reference, levels))
    formats = [
        float(well_formed(answer, levels) and len(text) <= longest) for answer, text in zip(answers, texts, strict=True)
    ]
    weights = settings.tree_weight, settings.format_weight, settings.scorer_weight
    return [
        Terms(_mix((tree, form, score), weights), form, tree, attribute, expression, emotion, scorer=score)
        for form, score, tree, attribute, expression, emotion in zip(
            formats, scored or [None] * len(texts), whole, *alone, strict=True
        )
    ]


def question_reward(
    text: str, reference: Collection[str], settings: Reward, part: Part, aspect: str | None = None
) -> Terms:
    """The reward of an answer to a closed question. It is well formed if `write_answer` would write the same text."""
    chosen = read_answer(text, part, aspect)
    qa = (f1 if part.many else accuracy)(chosen, reference) / 100
    form = float(chosen is not None and _is_written(text, chosen, part, aspect))
    return Terms(_mix((qa, form), (settings.qa_weight, settings.format_weight)), form, qa=qa)


def edit_costs(settings: Reward) -> Costs:
    """The costs of edits of a caption's tree."""
    near = {
        (Pair(similar.aspect, one), Pair(similar.aspect, other)): similar.cost
        for similar in settings.similar
        for one, other in combinations(sorted(similar.items), 2)
    }
    return Costs(label=settings.label_cost, items=near)


def tree_share(settings: Reward) -> float:
    """The weight of the tree term in the total of a caption, 0..1."""
    others = settings.format_weight + (settings.scorer_weight if settings.scorer else 0.0)
    return settings.tree_weight / ((settings.tree_weight + others) or 1.0)


def well_formed(answer: Parsed, levels: tuple[Level, ...] = LEVELS) -> bool:
    """Exactly the segments `levels` in order, nothing unreadable or outside them, no duplicate statement."""
    return answer.levels == levels and not answer.problems and not answer.repeats


def _is_written(text: str, chosen: tuple[str, ...], part: Part, aspect: str | None) -> bool:
    try:
        return text.strip() == write_answer(chosen, part, aspect)
    except ValueError:  # a single choice with several answers, or none
        return False


def _mix(terms: tuple[float | None, ...], weights: tuple[float, ...]) -> float:
    """The weighted mean of the terms that apply."""
    applying = [(weight, term) for weight, term in zip(weights, terms, strict=True) if term is not None]
    total = sum(weight for weight, _ in applying)
    return sum(weight * term for weight, term in applying) / total if total else 0.0
