"""From rollouts to advantages: rewards of leaves and levels, values of nodes, advantages against siblings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout
from videmo.llm.client import Ask
from videmo.llm.scoring_prompts import Answered, opinions
from videmo.settings.rl import Reward
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import aspect_of, read_answer
from videmo.training.objective import EPSILON, Advantages, level_advantages, node_values
from videmo.training.prompts import CAPTION
from videmo.training.rewards import Terms, caption_rewards, question_reward, tree_share
from videmo.training.tally import Tally
from videmo.tree.model import LEVELS
from videmo.tree.text import parse


@dataclass(frozen=True, eq=False)
class Scored:
    """A rollout with the reward terms of its leaves and the advantages of its nodes."""

    sample: Sample
    rollout: Rollout
    leaves: tuple[Terms, ...]
    advantages: Advantages


def score(
    sample: Sample,
    rollout: Rollout,
    settings: Reward,
    scored: Sequence[float] | None = None,
    by_group: bool = True,
) -> Scored:
    """Score a rollout of `sample`'s question against its reference answer.

    `scored`: the scorer's scores of its leaves (`ask_scorer`).  by_group: see `level_advantages`.
    """
    scores = dict(zip(rollout.leaf_indices(), scored, strict=True)) if scored is not None else {}
    texts = [rollout.answer(node) for node in range(len(rollout.nodes))]
    terms = _terms(sample, texts, settings, [scores.get(node) for node in range(len(texts))])
    # A level's own reward has the weight that the whole tree has in the reward of a leaf.
    weight = tree_share(settings)
    own = [
        weight * term.level(node.level) if node.level in LEVELS else 0.0
        for term, node in zip(terms, rollout.nodes, strict=True)
    ]
    values = node_values(torch.tensor([term.total for term in terms]), torch.tensor(own), rollout.parents)
    leaves = tuple(terms[leaf] for leaf in rollout.leaf_indices())
    return Scored(sample, rollout, leaves, level_advantages(values, rollout.parents, by_group))


def over_levels(scored: Sequence[Scored], gathered: Callable[[Tally], Tally] = lambda tally: tally) -> list[Scored]:
    """Divide advantages, not yet divided by the spread of their group, by the usual spread on their level in the batch.

    A_i = d_i / (rms_j d_j + epsilon), with j over the nodes of the batch that were chosen on the level where i's choice
    was made, among siblings that do not all agree. A small difference then counts less than a large one, but levels and
    questions, whose values differ in spread, weigh the same. After REINFORCE++ with baseline (Hu et al. 2025), which
    divides by the spread of the whole batch.

    gathered: turns the tally of this process into that of all processes.
    """
    squares = Tally()
    for one in scored:
        for node, level in enumerate(_choice_levels(one)):
            if level and one.advantages.choice[node] == node:
                squares.add(level, float(one.advantages.advantages[node]) ** 2)
    usual = {level: mean**0.5 for level, mean in gathered(squares).means().items()}
    divided = []
    for one in scored:
        spreads = torch.tensor([usual.get(level, 1.0) + EPSILON for level in _choice_levels(one)])
        divided.append(replace(one, advantages=replace(one.advantages, advantages=one.advantages.advantages / spreads)))
    return divided


def _choice_levels(one: Scored) -> list[str]:
    """For each node, the level of the choice that its tokens belong to; "" without a choice."""
    return [one.rollout.nodes[choice].level if choice >= 0 else "" for choice in one.advantages.choice.tolist()]


def ask_scorer(samples: Sequence[Sample], rollouts: Sequence[Rollout], ask: Ask) -> list[list[float] | None]:
    """A large model's scores of the leaves of every full caption, 0..1 each; None for questions.

    Takes all rollouts of a step at once, so that requests run concurrently.
    """
    answers = [
        [Answered(sample.question, text, sample.answer) for text in rollout.leaves()] if sample.part == CAPTION else []
        for sample, rollout in zip(samples, rollouts, strict=True)
    ]
    scores = iter(opinions([answer for leaves in answers for answer in leaves], ask))
    return [[next(scores)[0] / 100 for _ in leaves] or None for leaves in answers]


def means(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean of each reward term over the leaves it applies to, by name; captions and questions separately."""
    return reward_tally(scored).means()


def reward_tally(scored: Sequence[Scored]) -> Tally:
    """The sums and counts behind `means`."""
    tally = Tally()
    for one in scored:
        kind = "caption" if one.sample.part == CAPTION else "question"
        for terms in one.leaves:
            for name, value in terms.named().items():
                tally.add("reward" if name == "total" else f"{kind}_{name}", value)
    return tally


def _terms(sample: Sample, texts: Sequence[str], settings: Reward, scored: Sequence[float | None]) -> list[Terms]:
    if sample.part == CAPTION:
        return caption_rewards(texts, parse(sample.answer).tree, settings, scored=scored)
    part = PARTS[sample.part]
    aspect = aspect_of(part, sample.question)
    reference = read_answer(sample.answer, part, aspect) or ()
    return [question_reward(text, reference, settings, part, aspect) for text in texts]
