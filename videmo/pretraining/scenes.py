"""Procedural scenes for pretraining: one coloured shape on a plain ground, at rest or moving."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 40), "green": (50, 160, 60), "blue": (50, 80, 200), "yellow": (230, 210, 60),
    "black": (25, 25, 25), "white": (240, 240, 240), "brown": (120, 75, 40), "gray": (130, 130, 130),
    "pink": (235, 150, 170), "violet": (140, 70, 170),
}  # fmt: skip
PLACES = ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right")
MOTIONS = ("rests", "goes left", "goes right", "goes up", "goes down", "swells", "shrinks")

FACTS: dict[str, tuple[str, ...]] = {
    "scene ground": tuple(f"on a {colour} ground" for colour in COLOURS),
    "scene colour": tuple(f"a {colour}" for colour in COLOURS),
    "scene shape": ("disc", "box", "triangle", "ring", "cross"),
    "scene place": tuple(f"at the {place}" for place in PLACES),
    "scene motion": tuple(f"it {motion}" for motion in MOTIONS),
}


def draw_scene(rng: np.random.Generator, frames: int, size: int) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """A scene and what it shows: uint8 (frames, size, size, 3) RGB, and one phrase for each key of FACTS."""
    ground, colour = rng.choice(list(COLOURS), 2, replace=False)
    shape, place, motion = (str(rng.choice(options)) for options in (FACTS["scene shape"], PLACES, MOTIONS))
    drawn = np.empty((frames, size, size, 3), dtype=np.uint8)
    start, radius = _centre(place) * size + rng.uniform(-0.04, 0.04, 2) * size, rng.uniform(0.12, 0.2) * size
    for index in range(frames):
        centre, scale = _move(start, motion, (index / max(1, frames - 1) - 0.5) * size * 0.35, size)
        drawn[index] = COLOURS[str(ground)]
        _draw(drawn[index], shape, centre, radius * scale, COLOURS[str(colour)])
    noise = rng.normal(0, rng.uniform(0, 5), drawn.shape)
    facts = {
        "scene ground": f"on a {ground} ground",
        "scene colour": f"a {colour}",
        "scene shape": shape,
        "scene place": f"at the {place}",
        "scene motion": f"it {motion}",
    }
    return np.clip(drawn + noise, 0, 255).astype(np.uint8), facts


def _centre(place: str) -> NDArray[np.float64]:
    row, column = divmod(PLACES.index(place), 3)
    return np.array([0.24 + 0.26 * column, 0.24 + 0.26 * row])


def _move(start: NDArray[np.float64], motion: str, way: float, size: int) -> tuple[NDArray[np.float64], float]:
    steps = {"goes left": (-way, 0), "goes right": (way, 0), "goes up": (0, -way), "goes down": (0, way)}
    growth = {"swells": 1.0, "shrinks": -1.0}.get(motion, 0.0)
    return start + np.array(steps.get(motion, (0.0, 0.0))), 1 + growth * way / size * 2.4


def _draw(
    image: NDArray[np.uint8], shape: str, centre: NDArray[np.float64], radius: float, colour: tuple[int, int, int]
) -> None:
    x, y, r = (round(float(value)) for value in (*centre, radius))
    if shape == "disc":
        cv2.circle(image, (x, y), r, colour, -1, cv2.LINE_AA)
    elif shape == "ring":
        cv2.circle(image, (x, y), r, colour, max(2, r // 3), cv2.LINE_AA)
    elif shape == "box":
        cv2.rectangle(image, (x - r, y - r), (x + r, y + r), colour, -1)
    elif shape == "triangle":
        cv2.fillPoly(image, [np.array([(x, y - r), (x - r, y + r), (x + r, y + r)])], colour, cv2.LINE_AA)
    else:
        cv2.rectangle(image, (x - r, y - r // 3), (x + r, y + r // 3), colour, -1)
        cv2.rectangle(image, (x - r // 3, y - r), (x + r // 3, y + r), colour, -1)
