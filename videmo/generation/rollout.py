"""What sampling gives: answers, and rollouts, which are trees of segments. Pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """`logprobs`: of every token, under the distribution it was taken from."""

    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]


@dataclass(frozen=True)
class RolloutNode:
    """One segment: the text of one level, or a whole answer (`level` "answer") where a rollout has a single level.

    `parent`: index of the node it continues, -1 where it follows the question. `complete`: it ended as its level ends,
    with the closing tag, or with the end of the turn at the last level; what is not complete has no children.
    """

    level: str
    text: str
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    parent: int
    complete: bool = True


@dataclass(frozen=True)
class Rollout:
    """Nodes level by level, parents before their children."""

    nodes: tuple[RolloutNode, ...]

    @property
    def parents(self) -> list[int]:
        return [node.parent for node in self.nodes]

    def leaf_indices(self) -> list[int]:
        inner = {node.parent for node in self.nodes}
        return [index for index in range(len(self.nodes)) if index not in inner]

    def path(self, index: int) -> list[int]:
        """From the first level down to node `index`."""
        path = [index]
        while (parent := self.nodes[path[0]].parent) >= 0:
            path.insert(0, parent)
        return path

    def answer(self, index: int) -> str:
        """The text from the first level down to node `index`."""
        return "".join(self.nodes[node].text for node in self.path(index))

    def leaves(self) -> list[str]:
        """The full answers, in the order of `leaf_indices`."""
        return [self.answer(index) for index in self.leaf_indices()]
