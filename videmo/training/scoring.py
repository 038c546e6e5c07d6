"""From rollouts to advantages: rewards of leaves and levels, values of nodes, their standing among siblings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from videmo.config import Reward
from videmo.data.samples import Sample
from videmo.endpoint import Ask
from videmo.generation.rollout import Rollout
from videmo.tasks.catalog import PARTS
from videmo.tasks.opinion import Answered, opinions
from videmo.tasks.questions import aspect_of, read_answer
from videmo.training.objective import Advantages, level_advantages, node_values
from videmo.training.prompts import CAPTION
from videmo.tree.model import LEVELS
from videmo.tree.reward import Terms, caption_rewards, question_reward, tree_share
from videmo.tree.text import parse


@dataclass(frozen=True, eq=False)
class Scored:
    """A rollout with the reward terms of its leaves and the advantages of its nodes."""

    sample: Sample
    rollout: Rollout
    leaves: tuple[Terms, ...]
    advantages: Advantages


def score(sample: Sample, rollout: Rollout, settings: Reward, scored: Sequence[float] | None = None) -> Scored:
    """Score a rollout of `sample`'s question against its reference answer.

    `scored`: what a scorer says of its leaves (`ask_scorer`).
    """
    said = dict(zip(rollout.leaf_indices(), scored, strict=True)) if scored is not None else {}
    texts = [rollout.answer(node) for node in range(len(rollout.nodes))]
    terms = _terms(sample, texts, settings, [said.get(node) for node in range(len(texts))])
    # A level's own reward weighs as the whole tree's does in the reward of a leaf.
    weight = tree_share(settings)
    own = [
        weight * term.level(node.level) if node.level in LEVELS else 0.0  # type: ignore[arg-type]
        for term, node in zip(terms, rollout.nodes, strict=True)
    ]
    values = node_values(torch.tensor([term.total for term in terms]), torch.tensor(own), rollout.parents)
    leaves = tuple(terms[leaf] for leaf in rollout.leaf_indices())
    return Scored(sample, rollout, leaves, level_advantages(values, rollout.parents))


def ask_scorer(samples: Sequence[Sample], rollouts: Sequence[Rollout], ask: Ask) -> list[list[float] | None]:
    """What a large model says of the leaves of every full caption, 0..1 each; None for a question, which is not asked
    about. All of a step at once, so that the wait is shared."""
    answers = [
        [Answered(sample.question, text, sample.answer) for text in rollout.leaves()] if sample.part == CAPTION else []
        for sample, rollout in zip(samples, rollouts, strict=True)
    ]
    said = iter(opinions([answer for leaves in answers for answer in leaves], ask))
    return [[next(said)[0] / 100 for _ in leaves] or None for leaves in answers]


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean of each reward term over the leaves it applies to, captions and questions apart, by name."""
    gathered: dict[str, list[float]] = {}
    for one in scored:
        kind = "caption" if one.sample.part == CAPTION else "question"
        for terms in one.leaves:
            for name, value in terms.named().items():
                gathered.setdefault("reward" if name == "total" else f"{kind}_{name}", []).append(value)
    return {name: sum(values) / len(values) for name, values in sorted(gathered.items())}


def _terms(sample: Sample, texts: Sequence[str], settings: Reward, scored: Sequence[float | None]) -> list[Terms]:
    if sample.part == CAPTION:
        return caption_rewards(texts, parse(sample.answer).tree, settings, scored=scored)
    part = PARTS[sample.part]
    aspect = aspect_of(part, sample.question)
    reference = read_answer(sample.answer, part, aspect) or ()
    return [question_reward(text, reference, settings, part, aspect) for text in texts]
