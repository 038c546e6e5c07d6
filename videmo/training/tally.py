"""Sums and counts by name, from which the log's means are made: of several epochs, micro-batches and processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`held`: name -> sum and count; a name that nothing was counted for has no mean."""

    held: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, name: str, total: float, count: float = 1) -> None:
        """Count `count` more values, which sum up to `total`."""
        before, counted = self.held.get(name, (0.0, 0.0))
        self.held[name] = (before + total, counted + count)

    def means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in sorted(self.held.items()) if count}


def together(tallies: Iterable[Tally]) -> Tally:
    """The tally of all that was counted."""
    whole = Tally()
    for tally in tallies:
        for name, (total, count) in tally.held.items():
            whole.add(name, total, count)
    return whole
