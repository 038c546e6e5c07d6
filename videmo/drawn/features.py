"""The moving parts of the face: eyes, brows, nose, mouth. Geometry and colours only, no meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videmo.drawn.action_units import Deformation
from videmo.drawn.canvas import Canvas, Head
from videmo.drawn.person import Colour, Person, mix

Array = NDArray[np.float64]

EYE_Y, BROW_Y, MOUTH_Y = -0.14, -0.48, 0.58
DARK: Colour = (14, 4, 4)
_ARC = np.linspace(-1, 1, 11)
_BULGE = 1 - _ARC**2


@dataclass(frozen=True)
class Face:
    """One face in one frame: where it is, whose it is, and how each side (image left, image right) is deformed."""

    canvas: Canvas
    head: Head
    person: Person
    sides: tuple[Deformation, Deformation]
    jaw_shift: float
    gaze: Array

    def fill(self, points: Array, colour: Colour, lift: float = 0.0) -> None:
        self.canvas.fill(self.head.on_face(points, lift), colour)

    def line(self, points: Array, colour: Colour, width: float, lift: float = 0.0) -> None:
        self.canvas.line(self.head.on_face(points, lift), colour, width * self.head.scale)

    @property
    def jaw(self) -> float:
        return (self.sides[0].jaw + self.sides[1].jaw) / 2

    @property
    def shade(self) -> Colour:
        """The colour of folds and wrinkles."""
        return mix(self.person.skin, DARK, 0.55)

    def eye_centre(self, side: int) -> tuple[float, float]:
        return (2 * side - 1) * (0.43 * self.person.face_half_width + 0.04), EYE_Y * self.person.face_half_height

    def curve(self, x0: float, y0: float, x1: float, y1: float, sag: float) -> Array:
        """An arc between two points that sags by `sag` in the middle."""
        return np.stack([x0 + (x1 - x0) * (_ARC + 1) / 2, y0 + (y1 - y0) * (_ARC + 1) / 2 + sag * _BULGE], axis=1)


def draw_eyes(face: Face) -> None:
    for side in (0, 1):
        _draw_eye(face, side)


def _draw_eye(face: Face, side: int) -> None:
    person, deformation = face.person, face.sides[side]
    sign = 2 * side - 1
    x, y = face.eye_centre(side)
    half_width, half_height = person.eye_half_width, person.eye_half_height
    across = x + half_width * _ARC
    bulge = np.sqrt(np.maximum(_BULGE, 0)) * 0.5 + 0.5 * _BULGE
    upper = y - half_height * deformation.upper_lid * bulge
    lower = y + half_height * deformation.lower_lid * bulge
    lid = mix(person.skin, (120, 40, 190), 0.65) if person.makeup else mix(person.skin, DARK, 0.16)
    top = y - half_height * max(1.25, deformation.upper_lid + 0.25) * bulge
    shut = deformation.upper_lid + deformation.lower_lid < 0.3
    rim = np.stack([across, upper], axis=1)
    if shut:
        face.fill(
            np.concatenate(
                [np.stack([across, top], axis=1), np.stack([across, lower + 0.4 * half_height * bulge], axis=1)[::-1]]
            ),
            lid,
        )
        face.line(np.stack([across, y + 0.35 * half_height * bulge], axis=1), DARK, 0.06)
    else:
        face.fill(np.concatenate([rim, np.stack([across, lower], axis=1)[::-1]]), (252, 252, 252))
        _draw_iris(face, x, y, deformation)
        face.fill(np.concatenate([np.stack([across, top], axis=1), rim[::-1]]), lid)
        bottom = y + half_height * (deformation.lower_lid + 0.55) * bulge
        lower_rim = np.stack([across, lower], axis=1)
        face.fill(np.concatenate([lower_rim, np.stack([across, bottom], axis=1)[::-1]]), _below_eye(person))
        face.line(lower_rim, mix(person.skin, DARK, 0.6), 0.025)
        face.line(rim, DARK, 0.055 if person.gender == "female" else 0.03)
    if person.gender == "female":
        edge = rim[-1 if side else 0]
        flick = edge + np.array([[-sign * 0.06, -0.02], [sign * 0.09, -0.10], [0.0, 0.03]])
        face.fill(flick, DARK)


def _draw_iris(face: Face, x: float, y: float, deformation: Deformation) -> None:
    person = face.person
    radius = min(0.80 * person.eye_half_width, max(0.105, 0.90 * person.eye_half_height))
    room = person.eye_half_width - 0.55 * radius
    middle = 0.5 * person.eye_half_height * (deformation.lower_lid - deformation.upper_lid)
    centre = np.array(
        [[x + 0.75 * room * face.gaze[0], y + middle * 0.6 + 0.55 * person.eye_half_height * face.gaze[1]]]
    )
    pixel = face.head.on_face(centre)[0]
    face.canvas.disc(pixel, radius * face.head.scale, person.iris)
    face.canvas.disc(pixel, 0.38 * radius * face.head.scale, (8, 6, 8))


def _below_eye(person: Person) -> Colour:
    return person.skin if person.age == "young" else mix(person.skin, (90, 40, 70), 0.38)


def draw_brows(face: Face) -> None:
    person, height = face.person, face.person.face_half_height
    thickness = person.brow_height
    for side, sign in ((0, -1), (1, 1)):
        d = face.sides[side]
        centre = abs(face.eye_centre(side)[0])
        x = np.array(
            [
                centre - 0.24 - d.brow_inward,
                centre - 0.10 - 0.6 * d.brow_inward,
                centre + 0.06,
                centre + 0.18,
                centre + 0.27,
            ]
        )
        y = BROW_Y * height + np.interp(
            [0, 0.27, 0.59, 0.82, 1], [0, 0.5, 1], [d.brow_inner, d.brow_middle, d.brow_outer]
        )
        y = y + _BROW_ANGLES[person.eyebrow_angle]
        half = thickness / 2 * np.array([0.9, 1.0, 1.0, 0.85, 0.35])
        x = x * sign
        face.fill(np.concatenate([np.stack([x, y - half], axis=1), np.stack([x, y + half], axis=1)[::-1]]), person.brow)


_BROW_ANGLES = {
    "arched": np.array([0.09, -0.07, -0.17, -0.07, 0.12]),
    "flat": np.zeros(5),
    "slanted": np.array([0.14, 0.05, -0.05, -0.13, -0.20]),
}


def draw_nose(face: Face) -> None:
    person, height = face.person, face.person.face_half_height
    wrinkle = (face.sides[0].nose_wrinkle + face.sides[1].nose_wrinkle) / 2
    base = person.nose_base * height - 0.05 * wrinkle
    half = person.nose_half_width * (1 + 0.15 * wrinkle)
    top = -0.12 * height
    shape = np.array([[-0.035, top], [0.035, top], [0.05, base - 0.13], [half, base - 0.05],
                      [half * 0.85, base + 0.03], [0.0, base + 0.06], [-half * 0.85, base + 0.03], [-half, base - 0.05],
                      [-0.05, base - 0.13]])  # fmt: skip
    face.fill(shape, mix(person.skin, DARK, 0.24), lift=0.12)
    tip = ellipse(np.array([0.0, base - 0.05]), 0.45 * half, 0.05)
    face.fill(tip, mix(person.skin, (255, 255, 255), 0.22), lift=0.16)
    for sign in (-1, 1):
        face.fill(
            ellipse(np.array([sign * half * 0.5, base + 0.01]), 0.22 * half + 0.012, 0.028),
            mix(person.skin, DARK, 0.85),
            lift=0.12,
        )
        if wrinkle > 0.08:
            colour = mix(person.skin, DARK, 0.8 * min(1.0, 0.25 + wrinkle))
            for y in (-0.20, -0.11, -0.02):
                face.line(np.array([[sign * 0.02, y - 0.03], [sign * 0.13, y + 0.03]]), colour, 0.035, lift=0.1)


def draw_mouth(face: Face) -> None:
    person, (left, right) = face.person, face.sides
    share = np.minimum(1, np.abs(_ARC)) ** 1.5
    side = np.where(_ARC < 0, 0, 1)
    down = np.array([left.corner_down, right.corner_down])[side]
    out = np.array([left.corner_out, right.corner_out])[side]
    half_width = 0.34 + out
    x = _ARC * half_width + face.jaw_shift * 0.8
    gap_up, gap_down = (left.gap_up + right.gap_up) / 2, (left.gap_down + right.gap_down) / 2
    centre = (left.lip_centre + right.lip_centre) / 2
    round_bulge = np.sqrt(np.maximum(_BULGE, 0))
    line = MOUTH_Y * person.face_half_height + down * share + centre * (1 - share)
    height = person.lip_height * (left.lip_share + right.lip_share) / 2
    height = max(height, 0.012)
    upper, lower = line - gap_up * round_bulge, line + gap_down * round_bulge
    bow = round_bulge * (1 - 0.22 * np.exp(-((_ARC / 0.18) ** 2)))
    outer_top, outer_bottom = upper - height * bow, lower + 1.15 * height * round_bulge
    if "mustache" in person.facial_features:
        _draw_mustache(face, x, outer_top)
    if gap_up + gap_down > 0.03:
        face.fill(_between(x, upper, lower), (70, 10, 18))
        teeth = np.minimum(lower - upper, 0.085)
        if gap_up + gap_down > 0.05:
            face.fill(_between(x[1:-1], upper[1:-1], (upper + teeth)[1:-1]), (250, 250, 244))
    face.fill(_between(x, outer_top, upper), person.lips)
    face.fill(_between(x, lower, outer_bottom), mix(person.lips, (255, 255, 255), 0.08))
    if gap_up + gap_down <= 0.03:
        face.line(np.stack([x, line], axis=1), mix(person.lips, DARK, 0.8), 0.04)
    for index, d in ((0, left), (-1, right)):
        if d.dimple > 0.08:
            sign = -1 if index == 0 else 1
            corner = np.array([x[index] + sign * 0.06, line[index]])
            colour = mix(person.skin, DARK, 0.9 * min(1.0, 0.25 + d.dimple))
            face.line(
                face.curve(corner[0], corner[1] - 0.12, corner[0], corner[1] + 0.12, 0.0)
                + np.stack([sign * 0.06 * _BULGE, 0 * _ARC], axis=1),
                colour,
                0.05,
            )


def _draw_mustache(face: Face, x: Array, lip: Array) -> None:
    reach = np.clip(x * 1.08, -0.42, 0.42)
    thickness = 0.13 * np.sqrt(_BULGE) + 0.045
    face.fill(_between(reach, lip - thickness, lip + 0.01), mix(face.person.hair, (0, 0, 0), 0.35))


def _between(x: Array, top: Array, bottom: Array) -> Array:
    return np.concatenate([np.stack([x, top], axis=1), np.stack([x, bottom], axis=1)[::-1]])


def ellipse(centre: Array, half_width: float, half_height: float, corners: int = 14) -> Array:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return centre + np.stack([half_width * np.cos(angle), half_height * np.sin(angle)], axis=1)
