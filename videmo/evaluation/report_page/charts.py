"""Drawings as inline SVG: coloured by the page's style sheet, so that they follow its light and dark themes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 50, 8, 8, 20
POINTS = 400  # of a line; more than can be seen
AIMS = ("loss", "reward")  # how the names of losses and rewards begin
COSTS = ("leaves", "leaves_per_second", "seconds", "tokens")
BOX_WIDTH, BOX_HEIGHT, GAP = 144, 52, 26


@dataclass(frozen=True)
class StepBox:
    """A step in the drawing of the DAG."""

    name: str
    status: str
    note: str
    inputs: tuple[str, ...] = ()


def line_chart(title: str, *lines: Sequence[tuple[float, float]], span: tuple[float, float] | None = None) -> Markup:
    """Curves over steps; of each, (step, value), at least one. `span`: the lowest and the highest value to make room
    for, so that charts can be compared; by default those of the curves."""
    lines = tuple(_thinned(line) for line in lines)
    steps, values = ([point[place] for line in lines for point in line] for place in (0, 1))
    low, high = span or (min(values), max(values))
    across = _scale(min(steps), max(steps), LEFT, WIDTH - RIGHT)
    up = _scale(low, high, HEIGHT - BOTTOM, TOP)
    grid = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(v):.1f}" y2="{up(v):.1f}"/>'
        f'<text x="{LEFT - 5}" y="{up(v) + 3.5:.1f}" text-anchor="end">{_number(v)}</text>'
        for v in dict.fromkeys((low, (low + high) / 2, high))
    )
    ends = (
        f'<text x="{LEFT}" y="{HEIGHT - 5}">{min(steps):g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 5}" text-anchor="end">step {max(steps):g}</text>'
    )
    ends_at = ", ".join(f"from {_number(line[0][1])} to {_number(line[-1][1])}" for line in lines)
    label = escape(f"{title}: {ends_at} over {max(steps):g} steps")
    drawn = "".join(_curve([(across(step), up(value)) for step, value in line]) for line in lines)
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{grid}{ends}{drawn}</svg>'
    )


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A line with a dot at its end."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    (x, y) = points[-1]
    return f'<polyline class="curve" points="{path}"/><circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>'


def dag(boxes: Sequence[StepBox], across: bool) -> Markup:
    """The steps in a row (`across`) or a column; arrows join neighbours, bows the inputs that lie farther back."""
    place = {box.name: index for index, box in enumerate(boxes)}
    stride = (BOX_WIDTH if across else BOX_HEIGHT) + GAP
    bows = [(place[i], n) for n, box in enumerate(boxes) for i in box.inputs if i in place and n - place[i] > 1]
    room = 12 + 9 * max((to - start for start, to in bows), default=0)
    length = stride * len(boxes) - GAP + 4
    width, height = (length, BOX_HEIGHT + room + 4) if across else (BOX_WIDTH + 60 + room, length)
    drawn = "".join(_box(box, index * stride + 2, room, across) for index, box in enumerate(boxes))
    arrows = "".join(_arrow(index * stride + 2, room, across) for index in range(len(boxes) - 1))
    curves = "".join(_bow(start * stride + 2, to * stride + 2, room, across) for start, to in bows)
    label = escape("Steps: " + "; ".join(f"{box.name} {box.status} {box.note}" for box in boxes))
    kind = "dag wide" if across else "dag narrow"
    size = f'style="max-width:{width}px"'
    return Markup(
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" {size} role="img" aria-label="{label}">'
        f"{curves}{arrows}{drawn}</svg>"
    )


def _box(box: StepBox, along: float, room: float, across: bool) -> str:
    x, y = (along, room) if across else (2.0, along)
    width = BOX_WIDTH if across else BOX_WIDTH + 56
    kind = {"succeeded": "done", "failed": "bad"}.get(box.status, "idle")
    return (
        f'<g class="{kind}"><rect x="{x}" y="{y}" width="{width}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x + 10}" y="{y + 21}">{escape(box.name)}</text>'
        f'<text x="{x + 10}" y="{y + 39}">{escape(box.note)}</text></g>'
    )


def _arrow(along: float, room: float, across: bool) -> str:
    if across:
        x, y = along + BOX_WIDTH, room + BOX_HEIGHT / 2
        return f'<path class="edge" d="M{x} {y}h{GAP - 4}"/><path class="tip" d="M{x + GAP - 1} {y}l-7 -4v8z"/>'
    x, y = 30.0, along + BOX_HEIGHT
    return f'<path class="edge" d="M{x} {y}v{GAP - 4}"/><path class="tip" d="M{x} {y + GAP - 1}l-4 -7h8z"/>'


def _bow(start: float, to: float, room: float, across: bool) -> str:
    """From the side of one box to that of a later one, the farther the higher."""
    rise = min(room - 2, (to - start) / (BOX_WIDTH if across else BOX_HEIGHT) * 9)
    if across:
        x1, x2 = start + BOX_WIDTH * 0.75, to + BOX_WIDTH * 0.25
        return f'<path class="bow" d="M{x1} {room}C{x1} {room - rise * 1.3} {x2} {room - rise * 1.3} {x2} {room}"/>'
    edge = BOX_WIDTH + 58
    y1, y2 = start + BOX_HEIGHT * 0.75, to + BOX_HEIGHT * 0.25
    return f'<path class="bow" d="M{edge} {y1}C{edge + rise * 1.3} {y1} {edge + rise * 1.3} {y2} {edge} {y2}"/>'


def curves(rows: Sequence[Mapping[str, object]]) -> dict[str, list[tuple[float, float]]]:
    """metrics.jsonl's rows -> a curve for every loss and reward, for what else changes, and last for what it cost."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        step = row.get("step")
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float) and isinstance(step, int | float):
                found.setdefault(name, []).append((step, value))
    shown = {
        name: points
        for name, points in found.items()
        if name.startswith(AIMS) or len({value for _, value in points}) > 1
    }
    return dict(sorted(shown.items(), key=lambda item: (not item[0].startswith(AIMS), item[0] in COSTS, item[0])))


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    every = -(-len(points) // POINTS)
    return [*points[:-1:every], points[-1]]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    if high == low:
        return lambda value: (start + end) / 2
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _number(value: float) -> str:
    return f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.3g}"
