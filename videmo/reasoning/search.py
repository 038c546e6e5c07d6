"""Hierarchical affective-tree reasoning at inference (VidEmo, section 3.3): keep the best candidate of each level.

The paper scores candidates by a reward that it does not define. There are no labels at inference, so this project takes
the candidate that agrees best with its siblings, which is minimum Bayes risk decoding under tree edit distance, and
adds the model's own likelihood:

    score_i = -mean_{j != i} Edit(T_i, T_j) + w * mean_t log p(token_t of i),    w = reasoning.likelihood_weight

The first candidate of a level is the likeliest one and the others are samples, so that the answer of plain decoding is
always among the candidates. A candidate that cannot be parsed is kept only if none can be, because siblings that say
nothing agree perfectly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from videmo.generation.rollout import Answer, Rollout, RolloutNode
from videmo.generation.sampler import Prompt, Sampler
from videmo.settings.evaluation import Reasoning
from videmo.tree.distance import distances
from videmo.tree.text import parse


@dataclass(frozen=True)
class Candidate:
    """One candidate segment.

    `readable`: it parses without problems.  `distance`: its mean tree edit distance to its siblings.  `likelihood`: the
    mean log-probability of its tokens, at the temperature of the search.
    """

    text: str
    readable: bool
    distance: float
    likelihood: float
    score: float


@dataclass(frozen=True)
class Selection:
    """The candidates of one level, and the index of the one that is continued."""

    level: str
    candidates: tuple[Candidate, ...]
    chosen: int


@dataclass(frozen=True)
class Search:
    """An answer, and the selections that led to it level by level."""

    answer: Answer
    selections: tuple[Selection, ...]


def reason(
    sampler: Sampler, prompts: Sequence[Prompt], config: Reasoning, max_new_tokens: int, seeds: Sequence[int]
) -> list[Search]:
    """Search an answer to every prompt. With one candidate this is greedy decoding. Equal seeds give equal answers.

    seeds: one for each prompt.
    max_new_tokens: limit for an answer, or for each of its segments if there are several candidates.
    """
    if config.candidates == 1:
        return [Search(answer, (_plain(answer),)) for answer in sampler.answer(prompts, max_new_tokens)]

    def keep_best(rollout: Rollout, siblings: Sequence[int]) -> int:
        return siblings[_select(rollout, siblings, config.likelihood_weight).chosen]

    branching = (config.candidates,) * 3
    rollouts = sampler.grow(prompts, seeds, branching, config.temperature, max_new_tokens, keep_best)
    return [_retrace(rollout, config.likelihood_weight) for rollout in rollouts]


def rank(nodes: Sequence[RolloutNode], likelihood_weight: float) -> list[Candidate]:
    """Score siblings against each other; a single candidate has distance 0."""
    read = [parse(node.text) for node in nodes]
    apart = np.zeros((len(nodes), len(nodes)))
    pairs = list(combinations(range(len(nodes)), 2))
    if pairs:
        rows, columns = np.array(pairs).T
        apart[rows, columns] = apart[columns, rows] = distances([(read[i].tree, read[j].tree) for i, j in pairs])
    expected = apart.sum(axis=1) / max(len(nodes) - 1, 1)
    ranked = []
    for node, parsed, distance in zip(nodes, read, expected.tolist(), strict=True):
        likelihood = sum(node.logprobs) / len(node.logprobs)
        score = likelihood_weight * likelihood - distance
        ranked.append(Candidate(node.text, not parsed.problems, distance, likelihood, score))
    return ranked


def _select(rollout: Rollout, siblings: Sequence[int], likelihood_weight: float) -> Selection:
    nodes = [rollout.nodes[index] for index in siblings]
    candidates = rank(nodes, likelihood_weight)
    best = max(range(len(nodes)), key=lambda place: (candidates[place].readable, candidates[place].score))
    return Selection(nodes[0].level, tuple(candidates), best)


def _retrace(rollout: Rollout, likelihood_weight: float) -> Search:
    """The selections along the path of `rollout`, and the answer at its end."""
    selections = []
    node = -1
    while siblings := [index for index, parent in enumerate(rollout.parents) if parent == node]:
        selection = _select(rollout, siblings, likelihood_weight)
        selections.append(selection)
        node = siblings[selection.chosen]
    path = [rollout.nodes[index] for index in rollout.path(node)]
    tokens = tuple(token for part in path for token in part.tokens)
    logprobs = tuple(logprob for part in path for logprob in part.logprobs)
    return Search(Answer(rollout.answer(node), tokens, logprobs), tuple(selections))


def _plain(answer: Answer) -> Selection:
    likelihood = sum(answer.logprobs) / len(answer.logprobs)
    return Selection("answer", (Candidate(answer.text, True, 0.0, likelihood, likelihood),), 0)
