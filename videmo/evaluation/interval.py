"""A figure with its 95 % interval, and how both are stored and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Figure = list[float | None]  # as JSON: [value, low, high]; the last two are null where the interval is unknown


@dataclass(frozen=True)
class Interval:
    """A figure with its central 95 % percentile interval.

    `low` and `high` are None if the interval is unknown: too few people were tested for a bootstrap.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> bool:
        return self.low is not None

    def is_above(self, limit: float) -> bool:
        """Whether the whole interval is above the limit; False if it is unknown."""
        return self.low is not None and self.low > limit

    def is_below(self, limit: float) -> bool:
        """Whether the whole interval is below the limit; False if it is unknown."""
        return self.high is not None and self.high < limit

    def as_list(self) -> Figure:
        return [self.value, self.low, self.high]


def listed(figures: Mapping[str, Interval]) -> dict[str, Figure]:
    return {name: figure.as_list() for name, figure in figures.items()}


def value_of(figure: Figure) -> float:
    """What was measured, which is never null."""
    value = figure[0]
    assert value is not None
    return value


def bounds_text(figure: Sequence[float | None], signed: bool = False) -> str:
    """`[63.1, 67.0]`, or `[+63.1, +67.0]` where signed."""
    _, low, high = figure
    if low is None or high is None:
        return "[interval unknown]"
    return f"[{low:+z.1f}, {high:+z.1f}]" if signed else f"[{low:.1f}, {high:.1f}]"


def figure_text(figure: Sequence[float | None], signed: bool = False) -> str:
    """`66.0 [63.1, 67.0]`, or `+66.0 [+63.1, +67.0]` where signed. What rounds to zero has no minus."""
    return f"{figure[0]:{'+z.1f' if signed else '.1f'}} {bounds_text(figure, signed)}"


def read_figure(stored: Sequence[float | None], lowest: float) -> Figure:
    """A stored figure. Earlier versions stored an unknown interval as all that is possible: from `lowest` (0 for a
    score, -100 for a gain) to 100."""
    value, low, high = stored
    if low is not None and high is not None and low <= lowest and high >= 100:
        return [value, None, None]
    return [value, low, high]
