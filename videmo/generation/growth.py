"""How rollouts grow level by level, with any sampler: which nodes get children, and whose child each node is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from videmo.generation.rollout import Rollout, RolloutNode
from videmo.tree.model import LEVELS

# Of the siblings at these indices of a rollout, the one that is continued.
Keep = Callable[[Rollout, Sequence[int]], int]


@dataclass(frozen=True)
class Place:
    """Where a path stands: in which rollout of the batch, at which of its nodes (-1: the question), and in which of the
    slots that the whole level has, over all prompts; the slot picks the random numbers."""

    rollout: int
    node: int
    slot: int


@dataclass(frozen=True)
class GrowthLevel:
    """One level of growth. `tag`: what ends its segments, None where the end of the turn does; `children`: how many
    segments a path gets."""

    level: str
    tag: str | None
    children: int


class Growth:
    """Rollouts of a batch of prompts while they grow. `at`: the places whose paths wait for segments of the next level.

    prompts: which prompts of the whole call the batch is made of.  `keep` chooses among siblings the one that is
    continued; all are by default.
    """

    def __init__(self, prompts: Sequence[int], keep: Keep | None = None):
        self.nodes: list[list[RolloutNode]] = [[] for _ in prompts]
        self.at = [Place(rollout, -1, prompt) for rollout, prompt in enumerate(prompts)]
        self.keep = keep

    def branch(self, children: int) -> list[Place]:
        """Where each of the next segments is to grow: `children` of them, one after the other, at every place in `at`;
        the slots are the segments' own."""
        return [
            Place(place.rollout, place.node, place.slot * children + child)
            for place in self.at
            for child in range(children)
        ]

    def add(self, places: Sequence[Place], segments: Sequence[RolloutNode], children: int) -> list[int]:
        """Take in a segment for each of `places`, as `branch` gave them. Returns which of them are continued, by their
        position in `places`; `at` then holds their places, in this order."""
        grown = []
        for place, segment in zip(places, segments, strict=True):
            self.nodes[place.rollout].append(segment)
            grown.append(len(self.nodes[place.rollout]) - 1)
        going = []
        for start in range(0, len(grown), children):
            nodes = self.nodes[places[start].rollout]
            siblings = grown[start : start + children]
            parents = [self.keep(Rollout(tuple(nodes)), siblings)] if self.keep else siblings
            going += [start + child for child, node in enumerate(siblings) if node in parents and nodes[node].complete]
        self.at = [Place(places[index].rollout, grown[index], places[index].slot) for index in going]
        return going

    def rollouts(self) -> list[Rollout]:
        return [Rollout(tuple(nodes)) for nodes in self.nodes]


def growth_levels(branching: Sequence[int]) -> list[GrowthLevel]:
    """Three numbers: a step for each level of an affective tree. One number: a step that samples whole answers.

    Raises ValueError where `branching` has another length.
    """
    if len(branching) == 1:
        return [GrowthLevel("answer", None, branching[0])]
    if len(branching) == len(LEVELS):
        tags = [f"</{level}>" for level in LEVELS[:-1]] + [None]
        return [GrowthLevel(level, tag, children) for level, tag, children in zip(LEVELS, tags, branching, strict=True)]
    raise ValueError(f"branching = {list(branching)}: give one number for whole answers, or {len(LEVELS)} for levels")


def slots(prompts: int, branching: Sequence[int]) -> list[int]:
    """How many segments each level has where all are continued."""
    return [prompts * count for count in accumulate(branching, mul)]
