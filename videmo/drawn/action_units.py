"""Action units (FACS, Ekman & Friesen 1978): the units, their amplitudes in each emotion, how they deform the face.

Amplitudes run from 0 (at rest) to 1 (as strong as possible). There is one per side, image left and image right, so that
one-sided movements (contempt) need no special case. Prototypes of the basic emotions follow EMFACS. Those of MAFW's
other four are this project's: each differs from every other emotion in at least two visible parts of the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)
INDEX = {unit: position for position, unit in enumerate(UNITS)}
INTENSITIES = {"weak": 0.45, "medium": 0.72, "strong": 1.0}
ACTIVE = 0.2  # amplitude from which a unit counts as present

# fmt: off
PROTOTYPES: dict[str, dict[int, float]] = {
    "anger":          {4: 1.0, 7: 0.9, 23: 0.9, 24: 0.7},
    "anxiety":        {1: 0.9, 4: 1.0, 5: 0.7, 20: 0.8, 24: 1.0},
    "contempt":       {12: 1.0, 14: 1.0},  # on one side only
    "disappointment": {7: 0.8, 15: 0.8, 17: 1.0, 24: 0.9},
    "disgust":        {4: 0.7, 7: 0.7, 9: 1.0, 10: 1.0},
    "fear":           {1: 1.0, 2: 0.9, 4: 0.7, 5: 1.0, 20: 1.0, 25: 1.0},
    "happiness":      {6: 1.0, 12: 1.0, 25: 0.8},
    "helplessness":   {1: 1.0, 2: 0.7, 15: 0.9, 25: 0.7},
    "neutral":        {},
    "sadness":        {1: 1.0, 4: 0.7, 15: 1.0, 17: 0.7},
    "surprise":       {1: 1.0, 2: 1.0, 5: 0.8, 25: 0.8, 26: 1.0},
}
MICRO_PROTOTYPES: dict[str, dict[int, float]] = {
    "happiness":  {6: 0.8, 12: 1.0},
    "repression": {15: 0.8, 17: 0.8, 23: 0.7, 24: 1.0},
    "disgust":    {4: 0.7, 9: 1.0, 10: 1.0},
    "surprise":   {1: 1.0, 2: 1.0, 5: 0.9, 25: 0.7, 26: 0.6},
    "others":     {4: 1.0, 7: 0.9},
}
ONE_SIDED = ("contempt",)
# Second emotions that stay recognisable: each adds at least two units that do not oppose the first emotion's.
BLENDS: dict[str, tuple[str, ...]] = {
    "anger": ("disgust",), "anxiety": ("sadness", "disappointment"), "contempt": ("anger", "disgust"),
    "disappointment": ("anger", "sadness"), "disgust": ("anger", "sadness"), "fear": ("disgust", "sadness"),
    "happiness": ("surprise",), "helplessness": ("fear", "sadness"), "sadness": ("disgust", "disappointment"),
    "surprise": ("happiness", "fear"),
}
# fmt: on
_OPPOSED = ((12, 15), (25, 24), (26, 24), (25, 23), (26, 23), (5, 7), (26, 17), (20, 23))


def prototype(emotion: str, side: int) -> Array:
    """(17, 2) amplitudes of an emotion at full strength; `side` (0 left, 1 right) applies to one-sided emotions."""
    amplitudes = np.zeros((len(UNITS), 2))
    sides = [side] if emotion in ONE_SIDED else [0, 1]
    for unit, amplitude in PROTOTYPES[emotion].items():
        amplitudes[INDEX[unit], sides] = amplitude
    return amplitudes


def blend(first: Array, second: Array) -> Array:
    """Both at once: the stronger amplitude of each unit. Where units oppose each other, the first emotion wins."""
    second = second.copy()
    for unit, opposite in (*_OPPOSED, *((b, a) for a, b in _OPPOSED)):
        if first[INDEX[unit]].max() > 0:
            second[INDEX[opposite]] = 0
    return np.maximum(first, second)


@dataclass(frozen=True)
class Deformation:
    """What the action units do to one side of a face, in head units; y points down, x away from the middle."""

    brow_inner: float
    brow_middle: float
    brow_outer: float
    brow_inward: float
    furrow: float  # 0 to 1: the lines between the brows
    upper_lid: float  # openings, as shares of the eye's own half height
    lower_lid: float
    cheek: float  # 0 to 1: the fold below the eye
    nose_wrinkle: float  # 0 to 1
    fold: float  # 0 to 1: from the nose to the corner of the mouth
    dimple: float  # 0 to 1
    chin_bulge: float  # 0 to 1
    corner_out: float
    corner_down: float
    lip_centre: float
    lip_share: float  # share of the lips' height that remains visible
    gap_up: float  # opening above and below the line of the mouth
    gap_down: float
    jaw: float


def deform(amplitudes: Array, closure: float) -> Deformation:
    """The deformation of one side. amplitudes: (17,).  closure: from 0 (the action units decide) to 1 (shut)."""
    a = {unit: float(amplitudes[position]) for unit, position in INDEX.items()}
    lowered = a[4] * (1 - 0.65 * a[1])
    open_eye = 1 - closure
    round_mouth = a[26] * (1 - max(a[12], a[20]))
    return Deformation(
        brow_inner=-0.36 * a[1] + 0.27 * lowered,
        brow_middle=-0.14 * a[1] - 0.24 * a[2] + 0.20 * lowered,
        brow_outer=0.08 * a[1] * (1 - a[2]) - 0.32 * a[2] + 0.03 * lowered,
        brow_inward=0.09 * a[4],
        furrow=a[4],
        upper_lid=open_eye * (1 + 0.6 * a[5]) * (1 - 0.6 * a[7]) * (1 - 0.2 * a[6]),
        lower_lid=open_eye * (1 + 0.5 * a[5]) * (1 - 0.62 * a[7]) * (1 - 0.65 * a[6]),
        cheek=a[6],
        nose_wrinkle=a[9],
        fold=max(a[10], 0.7 * a[9], 0.5 * a[12]),
        dimple=a[14],
        chin_bulge=a[17],
        corner_out=0.14 * a[12] + 0.20 * a[20] + 0.03 * a[14] - 0.10 * a[23] - 0.04 * a[24] - 0.12 * round_mouth,
        corner_down=-0.32 * a[12] + 0.30 * a[15] + 0.05 * a[20],
        lip_centre=-0.08 * a[17] + 0.03 * a[12] - 0.05 * a[10],
        lip_share=(1 - 0.40 * a[23]) * (1 - 0.50 * a[24]),
        gap_up=0.045 * a[25] + 0.06 * a[26] + 0.10 * a[10],
        gap_down=0.11 * a[25] + 0.26 * a[26],
        jaw=0.20 * a[26],
    )
