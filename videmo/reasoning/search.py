"""Hierarchical affective-tree reasoning at inference (VidEmo, section 3.3): level by level the best of several goes on.

The paper scores candidates by a reward, which it does not define; with no labels at hand, this project takes the
candidate that its siblings contradict least, which is minimum Bayes risk decoding under tree edit distance, and adds
the model's own likelihood:

    score_i = -mean_{j != i} Edit(T_i, T_j) + w * mean_t log p(token_t of i),    w = reasoning.likelihood_weight

An answer that is no tree, or has no levels, is searched in one piece: among several of them the one that the others
contradict least by the question's own metric, 1 - F1 or 1 - accuracy in place of the edit distance.

The first candidate of a level is the likeliest one, the others are samples: a search of any width has what plain
decoding would have said among what it chooses from. A candidate that cannot be read goes on only where none can:
siblings that say nothing agree perfectly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from videmo.config import Reasoning
from videmo.generation.rollout import Answer, Rollout, RolloutNode
from videmo.generation.sampler import Prompt, Sampler
from videmo.tasks.catalog import Part
from videmo.tasks.metrics import accuracy, f1
from videmo.tasks.questions import read_answer
from videmo.tree.distance import distances
from videmo.tree.text import parse

# Texts -> (texts, texts) how far apart they are, and which of them can be read without a fault.
Apart = Callable[[Sequence[str]], tuple[np.ndarray, list[bool]]]


@dataclass(frozen=True)
class Candidate:
    """One segment that was considered. `readable`: without a fault; `distance`: mean distance to its siblings, of trees
    in edits; `likelihood`: mean log-probability of its tokens."""

    text: str
    readable: bool
    distance: float
    likelihood: float
    score: float


@dataclass(frozen=True)
class Choice:
    """The candidates of one level, and which of them went on."""

    level: str
    candidates: tuple[Candidate, ...]
    chosen: int


@dataclass(frozen=True)
class Search:
    """An answer and how it came about, level by level."""

    answer: Answer
    candidates: tuple[Choice, ...]


def reason(sampler: Sampler, prompts: Sequence[Prompt], config: Reasoning, seed: int = 0) -> list[Search]:
    """Search an answer to every prompt; one candidate is plain greedy decoding. The same seed finds the same."""
    if config.candidates == 1:
        return [Search(answer, (_plain(answer),)) for answer in sampler.answer(prompts)]

    def keep_best(rollout: Rollout, siblings: Sequence[int]) -> int:
        return siblings[_choose(rollout, siblings, config.likelihood_weight).chosen]

    branching = (config.candidates,) * 3
    rollouts = sampler.grow(prompts, branching, config.temperature, seed, keep=keep_best)
    return [_retrace(rollout, config.likelihood_weight) for rollout in rollouts]


def reason_in_one(
    sampler: Sampler,
    prompts: Sequence[Prompt],
    apart: Sequence[Apart],
    config: Reasoning,
    seed: int = 0,
    max_new_tokens: int = 200,
) -> list[Search]:
    """Search answers that have no levels; `apart`: how those to each prompt are held against one another."""
    if config.candidates == 1:
        return [Search(answer, (_plain(answer),)) for answer in sampler.answer(prompts, max_new_tokens)]
    rollouts = sampler.grow(
        prompts, (config.candidates,), config.temperature, seed, max_new_tokens, keep=lambda _, siblings: siblings[0]
    )
    return [_retrace(rollout, config.likelihood_weight, one) for rollout, one in zip(rollouts, apart, strict=True)]


def trees_apart(texts: Sequence[str]) -> tuple[np.ndarray, list[bool]]:
    """Tree edit distances; what cannot be read of a text is a fault."""
    read = [parse(text) for text in texts]
    apart = np.zeros((len(texts), len(texts)))
    pairs = list(combinations(range(len(texts)), 2))
    if pairs:
        rows, columns = np.array(pairs).T
        apart[rows, columns] = apart[columns, rows] = distances([(read[i].tree, read[j].tree) for i, j in pairs])
    return apart, [not parsed.problems for parsed in read]


def answers_apart(part: Part, aspect: str | None) -> Apart:
    """1 - F1 of answers to a closed question with several answers, 1 - accuracy with one: 0 to 1."""
    metric = f1 if part.many else accuracy

    def apart(texts: Sequence[str]) -> tuple[np.ndarray, list[bool]]:
        chosen = [read_answer(text, part, aspect) for text in texts]
        rows = [[0.0 if b is None else metric(a, b) for b in chosen] for a in chosen]
        return 1 - np.array(rows) / 100, [one is not None for one in chosen]

    return apart


def rank(nodes: Sequence[RolloutNode], likelihood_weight: float, apart: Apart = trees_apart) -> list[Candidate]:
    """Score siblings against one another; one that is alone is at distance 0."""
    between, readable = apart([node.text for node in nodes])
    expected = (between.sum(axis=1) - between.diagonal()) / max(len(nodes) - 1, 1)
    ranked = []
    for node, fits, distance in zip(nodes, readable, expected.tolist(), strict=True):
        likelihood = sum(node.logprobs) / len(node.logprobs)
        ranked.append(Candidate(node.text, fits, distance, likelihood, likelihood_weight * likelihood - distance))
    return ranked


def _choose(rollout: Rollout, siblings: Sequence[int], likelihood_weight: float, apart: Apart = trees_apart) -> Choice:
    nodes = [rollout.nodes[index] for index in siblings]
    candidates = rank(nodes, likelihood_weight, apart)
    best = max(range(len(nodes)), key=lambda place: (candidates[place].readable, candidates[place].score))
    return Choice(nodes[0].level, tuple(candidates), best)


def _retrace(rollout: Rollout, likelihood_weight: float, apart: Apart = trees_apart) -> Search:
    """The choices that `rollout` was grown by, and the one among its last candidates."""
    choices = []
    node = -1
    while siblings := [index for index, parent in enumerate(rollout.parents) if parent == node]:
        choice = _choose(rollout, siblings, likelihood_weight, apart)
        choices.append(choice)
        node = siblings[choice.chosen]
    path = [rollout.nodes[index] for index in rollout.path(node)]
    tokens = tuple(token for part in path for token in part.tokens)
    logprobs = tuple(logprob for part in path for logprob in part.logprobs)
    return Search(Answer(rollout.answer(node), tokens, logprobs), tuple(choices))


def _plain(answer: Answer) -> Choice:
    likelihood = sum(answer.logprobs) / len(answer.logprobs)
    return Choice("answer", (Candidate(answer.text, True, 0.0, likelihood, likelihood),), 0)
