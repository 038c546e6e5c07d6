"""The still shapes of a person: outline of the face, hair, beard. All in head units around the middle of the face."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from videmo.drawn.person import Person

Array = NDArray[np.float64]

# Half widths of a face, as shares of its greatest, by height from -1 (top) to 1 (chin).
# fmt: off
_PROFILES = {
    "long":   ((-1, 0.0), (-0.98, 0.25), (-0.88, 0.66), (-0.65, 0.90), (-0.3, 0.99),
               (0, 1.0), (0.3, 0.97), (0.55, 0.87), (0.72, 0.72)),
    "oval":   ((-1, 0.0), (-0.98, 0.22), (-0.86, 0.58), (-0.62, 0.84), (-0.3, 0.98),
               (0, 1.0), (0.3, 0.93), (0.55, 0.78), (0.72, 0.62)),
    "round":  ((-1, 0.0), (-0.98, 0.24), (-0.86, 0.60), (-0.62, 0.85), (-0.3, 0.98),
               (0, 1.0), (0.3, 0.98), (0.55, 0.89), (0.72, 0.75)),
    "square": ((-1, 0.0), (-0.99, 0.50), (-0.93, 0.80), (-0.75, 0.95), (-0.3, 1.00),
               (0, 1.0), (0.3, 1.00), (0.55, 0.98), (0.72, 0.93)),
}
_CHINS = {  # height, and half width as a share of the last above, which they replace
    "pointed": ((0.72, 0.84), (0.90, 0.42), (1.04, 0.15), (1.14, 0.05), (1.15, 0.0)),
    "round":   ((0.72, 1.0), (0.84, 0.80), (0.93, 0.56), (0.98, 0.30), (1.00, 0.0)),
    "square":  ((0.72, 1.08), (0.88, 1.0), (0.97, 0.90), (1.00, 0.78), (1.00, 0.0)),
}
# fmt: on


@lru_cache(maxsize=512)
def face(person: Person) -> Array:
    """(n, 2) outline, clockwise from the top."""
    profile = np.array(_PROFILES[person.face_shape])
    chin = np.array(_CHINS[person.chin_shape])
    chin[:, 1] *= profile[-1, 1]
    right = np.concatenate([profile[:-1], chin]) * [person.face_half_height, person.face_half_width]
    right = right[:, ::-1]
    left = right[-2:0:-1] * [-1, 1]
    return _rounded(np.concatenate([right, left]))


def lowered(outline: Array, half_height: float, jaw: float, shift: float) -> Array:
    """The outline with its jaw dropped by `jaw` and pushed sideways by `shift`."""
    share = np.clip((outline[:, 1:] / half_height - 0.15) / 0.85, 0, 1)
    return outline + share * np.array([shift, jaw], np.float64)


def _rounded(points: Array) -> Array:
    """Corners cut once (Chaikin 1974)."""
    after = np.roll(points, -1, axis=0)
    return np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)


@lru_cache(maxsize=512)
def hair_back(person: Person) -> Array:
    """(n, 2) of the hair behind the face: a cap, and for long hair a curtain to the shoulders."""
    width, height = person.face_half_width * 1.13, person.face_half_height * 1.15
    bottom = 1.35 if person.hair_length == "long" else 0.05
    angle = np.linspace(np.pi, 2 * np.pi, 33)
    cap = _dome(person, angle) * [width, height]
    down = np.linspace(0, bottom, 25 if person.hair_length == "long" else 5)[1:]
    flare = width * (1 + (0.20 if person.hair_length == "long" else -0.02) * np.minimum(down, 1.0))
    side = np.stack([flare, down], axis=1)
    shape = np.concatenate([cap, side, side[::-1] * [-1, 1]])
    if person.hair_type == "wavy":
        travelled = np.cumsum(np.hypot(*np.diff(shape, axis=0, prepend=shape[:1]).T))
        shape = shape * (1 + 0.11 * np.sin(2 * np.pi * travelled / 0.36))[:, None]
    return shape


def _dome(person: Person, angle: Array) -> Array:
    """(n, 2) points of a skull of unit size; a square one has corners."""
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.sign(unit) * np.abs(unit) ** 0.72 if person.face_shape == "square" else unit


@lru_cache(maxsize=512)
def hair_front(person: Person) -> tuple[Array, Array]:
    """The hair over the forehead, from left to right: its upper edge (an outline) and its hairline (on the face)."""
    width, height = person.face_half_width, person.face_half_height
    angle = np.linspace(np.pi * 1.03, np.pi * 1.97, 25)
    upper = _dome(person, angle) * [width * 1.07, height * 1.10]
    if person.hair_type == "wavy":
        upper = upper * (1 + 0.08 * np.sin(13 * angle))[:, None]
    x = np.linspace(-0.97, 0.97, 23)
    line = -0.74 + 0.55 * np.abs(x) ** 5
    if person.bangs:
        line = -0.60 + 0.42 * np.abs(x) ** 6 + (0.05 * np.sin(16 * x) if person.hair_type == "wavy" else 0)
    elif person.receding_hairline:
        line = -0.84 - 0.13 * np.sin(np.pi * np.clip(np.abs(x) * 1.25, 0, 1)) ** 2 + 0.62 * np.abs(x) ** 7
    elif person.hair_type == "wavy":
        line = line + 0.045 * np.sin(18 * x)
    return upper, np.stack([x * width, line * height], axis=1)


@lru_cache(maxsize=512)
def strands(person: Person) -> tuple[Array, ...]:
    """Lines in the hair: parallel and straight, or curled."""
    width, height = person.face_half_width, person.face_half_height
    wavy = person.hair_type == "wavy"
    lines = []
    for x in (-0.6, -0.25, 0.1, 0.45):
        y = np.linspace(-1.04, -0.80, 9) * height * (1 - 0.22 * x * x)
        bend = 0.06 * np.sin(np.linspace(0, 4 * np.pi, 9)) if wavy else np.linspace(-0.03, 0.03, 9)
        lines.append(np.stack([x * width + bend, y], axis=1))
    if person.hair_length == "long":
        for side in (-1, 1):
            for out in (1.0, 1.08):
                y = np.linspace(0.1, 1.25, 17)
                bend = 0.05 * np.sin(np.linspace(0, 7 * np.pi, 17)) if wavy else 0 * y
                lines.append(np.stack([side * width * (out + 0.17 * np.clip(y, 0, 1)) + bend, y], axis=1))
    return tuple(lines)


@lru_cache(maxsize=512)
def beard(person: Person) -> Array:
    """(n, 2) a full beard: the outline of the jaw, and inward of it an arch around the mouth."""
    outline = face(person)
    height = person.face_half_height
    jaw = outline[outline[:, 1] > 0.22 * height]  # from the right cheek over the chin to the left one
    across = np.linspace(-1, 1, 15)
    edge = np.stack([across * abs(jaw[0, 0]), (0.18 + 0.50 * (1 - across**4)) * height], axis=1)
    return np.concatenate([jaw * [1.02, 1.03], edge])
