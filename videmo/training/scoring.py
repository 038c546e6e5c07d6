"""From rollouts to advantages: rewards of leaves and levels, values of nodes, their standing among siblings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from videmo.config import Reward
from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import aspect_of, read_answer
from videmo.training.objective import Advantages, level_advantages, node_values
from videmo.training.prompts import CAPTION
from videmo.tree.model import LEVELS
from videmo.tree.reward import Terms, caption_rewards, question_reward
from videmo.tree.text import parse


@dataclass(frozen=True, eq=False)
class Scored:
    """A rollout with the reward terms of its leaves and the advantages of its nodes."""

    sample: Sample
    rollout: Rollout
    leaves: tuple[Terms, ...]
    advantages: Advantages


def score(sample: Sample, rollout: Rollout, settings: Reward) -> Scored:
    """Score a rollout of `sample`'s question against its reference answer."""
    terms = _terms(sample, [rollout.answer(node) for node in range(len(rollout.nodes))], settings)
    # A level's own reward weighs as the whole tree's does in the reward of a leaf.
    weight = settings.tree_weight / ((settings.tree_weight + settings.format_weight) or 1.0)
    own = [
        weight * term.level(node.level) if node.level in LEVELS else 0.0  # type: ignore[arg-type]
        for term, node in zip(terms, rollout.nodes, strict=True)
    ]
    values = node_values(torch.tensor([term.total for term in terms]), torch.tensor(own), rollout.parents)
    leaves = tuple(terms[leaf] for leaf in rollout.leaf_indices())
    return Scored(sample, rollout, leaves, level_advantages(values, rollout.parents))


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean of each reward term over the leaves it applies to, captions and questions apart, by name."""
    gathered: dict[str, list[float]] = {}
    for one in scored:
        kind = "caption" if one.sample.part == CAPTION else "question"
        for terms in one.leaves:
            for name, value in terms.named().items():
                gathered.setdefault("reward" if name == "total" else f"{kind}_{name}", []).append(value)
    return {name: sum(values) / len(values) for name, values in sorted(gathered.items())}


def _terms(sample: Sample, texts: Sequence[str], settings: Reward) -> list[Terms]:
    if sample.part == CAPTION:
        return caption_rewards(texts, parse(sample.answer).tree, settings)
    part = PARTS[sample.part]
    aspect = aspect_of(part, sample.question)
    reference = read_answer(sample.answer, part, aspect) or ()
    return [question_reward(text, reference, settings, part, aspect) for text in texts]
