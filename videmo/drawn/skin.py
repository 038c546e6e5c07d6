"""The face without its features: outline, cheeks, folds and wrinkles, beard, blemishes."""

from __future__ import annotations

import numpy as np

from videmo.drawn import outline
from videmo.drawn.features import DARK, Face, ellipse
from videmo.drawn.person import Person, mix


def draw_face_shape(face: Face) -> None:
    person = face.person
    shape = outline.lowered(outline.face(person), person.face_half_height, face.jaw, face.jaw_shift)
    pixels = face.head.outline(shape, 0.20)
    face.canvas.fill(pixels, person.skin)
    face.canvas.line(pixels, mix(person.skin, (0, 0, 0), 0.30), 0.03 * face.head.scale, closed=True)


def draw_skin(face: Face) -> None:
    """Cheeks, beard, blemishes, wrinkles, folds."""
    person, height = face.person, face.person.face_half_height
    width = person.face_half_width
    for side, sign in ((0, -1), (1, 1)):
        if person.rosy_cheeks:
            centre = np.array([sign * 0.56 * width, 0.24 * height])
            face.fill(ellipse(centre, 0.19, 0.13), mix(person.skin, (235, 60, 80), 0.45))
        _draw_age(face, side, sign)
        deformation = face.sides[side]
        eye_x, eye_y = face.eye_centre(side)
        if deformation.cheek > 0.05:
            low = eye_y + 0.22 - 0.05 * deformation.cheek
            colour = mix(person.skin, DARK, 0.62 * min(1.0, 0.25 + deformation.cheek))
            face.line(face.curve(eye_x - 0.21, low, eye_x + 0.21, low, 0.10), colour, 0.06)
            face.fill(
                ellipse(np.array([eye_x, low + 0.17]), 0.19, 0.085),
                mix(person.skin, (255, 255, 255), 0.25 * deformation.cheek),
            )
        if deformation.fold > 0.08:
            colour = mix(person.skin, DARK, 0.7 * min(1.0, 0.2 + deformation.fold))
            nose = person.nose_half_width
            face.line(
                face.curve(sign * (nose + 0.03), person.nose_base * height - 0.02, sign * 0.44, 0.52, -0.05),
                colour,
                0.045,
            )
        if deformation.furrow > 0.08:
            x = sign * 0.055
            colour = mix(person.skin, DARK, 0.9 * min(1.0, 0.3 + deformation.furrow))
            face.line(np.array([[x, -0.56], [x * 1.1, -0.34]]) * height, colour, 0.05)
    _draw_beard(face)
    _draw_blemish(face)


def _draw_age(face: Face, side: int, sign: int) -> None:
    """Eye bags and folds from middle age on, forehead lines and crow's feet on wrinkled skin."""
    person, shade = face.person, mix(face.person.skin, DARK, 0.36)
    height = person.face_half_height
    eye_x, eye_y = face.eye_centre(side)
    if person.age != "young":
        low = eye_y + person.eye_half_height + 0.05
        face.fill(face.curve(eye_x - 0.17, low, eye_x + 0.17, low, 0.12), mix(person.skin, (90, 40, 70), 0.38))
        face.line(face.curve(sign * 0.27, 0.22 * height, sign * 0.42, 0.66 * height, 0.0), shade, 0.03)
    if person.age == "elderly":
        face.line(face.curve(sign * 0.36, 0.72 * height, sign * 0.30, 0.90 * height, 0.0), shade, 0.03)
        cheek = sign * 0.72 * person.face_half_width
        face.line(face.curve(cheek, 0.08 * height, cheek * 0.86, 0.52 * height, 0.0), shade, 0.045)
    if person.skin_texture == "wrinkled":
        outer = sign * (abs(eye_x) + person.eye_half_width)
        for bend in (-0.07, 0.0, 0.07):
            face.line(
                np.array([[outer + sign * 0.03, eye_y + bend / 2], [outer + sign * 0.14, eye_y + bend * 1.6]]),
                shade,
                0.02,
            )
        if side == 0:
            for y in (-0.64, -0.72, -0.80):
                face.line(face.curve(-0.34, y * height, 0.34, y * height, -0.03), shade, 0.03)


def _draw_beard(face: Face) -> None:
    person, head = face.person, face.head
    hair = mix(person.hair, (0, 0, 0), 0.32)
    if "beard" in person.facial_features:
        shape = outline.lowered(outline.beard(person), person.face_half_height, face.jaw, face.jaw_shift)
        face.canvas.fill(head.outline(shape, 0.22), hair)
    if "goatee" in person.facial_features:
        low = person.face_half_height * 1.02
        shape = np.array([[-0.15, 0.73], [0.15, 0.73], [0.17, low - 0.04], [0.0, low + 0.08], [-0.17, low - 0.04]])
        face.fill(outline.lowered(shape, person.face_half_height, face.jaw, face.jaw_shift), hair)
    for side, sign in ((0, -1), (1, 1)):
        if face.sides[side].chin_bulge > 0.08:
            colour = mix(hair if set(person.facial_features) & {"beard", "goatee"} else person.skin, DARK, 0.6)
            face.line(face.curve(0, 0.77, sign * 0.18, 0.83, -0.03), colour, 0.04)


def _draw_blemish(face: Face) -> None:
    person, height = face.person, face.person.face_half_height
    x, y = blemish_position(person)
    if "mole" in person.facial_features:
        face.fill(ellipse(np.array([x, y]), 0.08, 0.08), (40, 16, 12))
    if "scar" in person.facial_features:
        colour = mix(person.skin, (214, 30, 60), 0.85)
        face.line(np.array([[x - 0.13, y - 0.23], [x + 0.13, y + 0.23]]), colour, 0.065)
        for step in (-0.5, 0.5):
            across, middle = np.array([0.08, -0.05]), np.array([x + 0.13 * step, y + 0.23 * step])
            face.line(np.array([middle + across, middle - across]), colour, 0.035)
    if "freckles" in person.facial_features:
        colour = mix(person.skin, (120, 40, 10) if sum(person.skin) > 300 else (20, 8, 4), 0.65)
        for dx, dy in ((-0.13, 0.02), (0.0, 0.06), (0.13, 0.0), (-0.07, 0.14), (0.08, 0.15), (0.2, 0.10)):
            for sign in (-1, 1):
                centre = np.array([sign * (0.52 * person.face_half_width + dx), (0.20 + dy) * height])
                face.fill(ellipse(centre, 0.027, 0.027, 6), colour)


def blemish_position(person: Person) -> tuple[float, float]:
    """Position of the mole or scar, in head units."""
    return person.blemish_side * 0.58 * person.face_half_width, 0.36 * person.face_half_height
