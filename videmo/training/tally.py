"""Sums and counts by name, for means over several epochs, micro-batches and processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`sums`: name -> sum and count. A name with count 0 has no mean."""

    sums: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, name: str, total: float, count: float = 1) -> None:
        """Add `count` values whose sum is `total`."""
        before, counted = self.sums.get(name, (0.0, 0.0))
        self.sums[name] = (before + total, counted + count)

    def means(self) -> dict[str, float]:
        return {name: total / count for name, (total, count) in sorted(self.sums.items()) if count}


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of several tallies."""
    whole = Tally()
    for tally in tallies:
        for name, (total, count) in tally.sums.items():
            whole.add(name, total, count)
    return whole
