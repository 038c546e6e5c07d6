"""What is around the face: ears, neck, shoulders, clothes, accessories, a waving hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videmo.drawn import outline
from videmo.drawn.canvas import Body, Canvas, Head
from videmo.drawn.features import MOUTH_Y, Face
from videmo.drawn.performance import Figure
from videmo.drawn.person import Colour, Person, mix

_GOLD: Colour = (255, 214, 40)
_RING = np.linspace(0, 2 * np.pi, 16, endpoint=False)


def draw_body(canvas: Canvas, body: Body, figure: Figure, accent: Colour, lift: float) -> None:
    """Neck, shoulders and clothes. Men have a broad neck and a collar, women a low neckline."""
    person = figure.person
    male = person.gender == "male"
    neck, shoulder = (0.46, 1.62) if male else (0.26, 1.15)
    top = 1.22 - lift
    skin = mix(person.skin, (0, 0, 0), 0.20)
    half = np.array([[neck, top - 0.06], [shoulder * 0.8, top + 0.06], [shoulder, top + 0.30], [shoulder + 0.05, 3.2]])
    torso = np.concatenate([half, half[::-1] * [-1, 1]])
    canvas.fill(body.place(torso), figure.clothes)
    canvas.fill(body.place(np.array([[-neck, 0.5], [neck, 0.5], [neck, top + 0.05], [-neck, top + 0.05]])), skin)
    if male:
        _draw_collar(canvas, body, neck, top, mix(figure.clothes, (255, 255, 255), 0.55))
    else:
        neckline = np.array([[-0.5, top - 0.04], [0.5, top - 0.04], [0.28, top + 0.28], [-0.28, top + 0.28]])
        canvas.fill(body.place(neckline), skin)
    if figure.script.necklace:
        chain = np.linspace(-1, 1, 9)
        necklace = np.stack([0.36 * chain, top - 0.04 + 0.20 * (1 - chain**2)], axis=1)
        canvas.line(body.place(necklace), _GOLD, 0.07 * body.scale)
    if "necktie" in figure.script.accessories:
        _draw_necktie(canvas, body, top, accent)


def _draw_collar(canvas: Canvas, body: Body, neck: float, top: float, colour: Colour) -> None:
    half = np.array([[neck, top - 0.14], [neck + 0.12, top + 0.10], [0.12, top + 0.26], [0, top + 0.06]])
    for sign in (-1, 1):
        canvas.fill(body.place(half * [sign, 1]), colour)


def _draw_necktie(canvas: Canvas, body: Body, top: float, colour: Colour) -> None:
    """A necktie on a white shirt."""
    shirt = np.array([[-0.36, top - 0.04], [0.36, top - 0.04], [0.40, 3.0], [-0.40, 3.0]])
    canvas.fill(body.place(shirt), (246, 246, 250))
    right = np.array([[0.15, top - 0.02], [0.09, top + 0.14], [0.22, 3.0]])
    left = right[::-1] * [-1, 1]
    canvas.fill(body.place(np.concatenate([left[-1:], right, left[:-1]])), colour)


def draw_ear(canvas: Canvas, head: Head, person: Person, side: int, ring: bool, near: bool = False) -> None:
    """The ear on the image's left (0) or right (1); long hair covers all but its ring."""
    sign = 2 * side - 1
    half_width, half_height = person.face_half_width, person.face_half_height
    slide = half_width * abs(head.turned) * (0.9 if near else 0.25)
    x = sign * (half_width * (1.08 if person.hair_length == "long" else 1.02) - slide)
    if person.hair_length != "long":
        shape = np.stack([x + 0.11 * np.cos(_RING), (0.02 + 0.19 * np.sin(_RING)) * half_height], axis=1)
        pixels = head.outline(shape, 0.0)
        canvas.fill(pixels, mix(person.skin, (0, 0, 0), 0.08))
        canvas.line(pixels, mix(person.skin, (0, 0, 0), 0.35), 0.025 * head.scale, closed=True)
    if ring:
        lobe = head.outline(np.array([[x + sign * 0.04, 0.36 * half_height]]), 0.0)[0]
        canvas.disc(lobe, 0.125 * head.scale, (120, 84, 0))
        canvas.disc(lobe, 0.10 * head.scale, _GOLD)


def draw_hat(canvas: Canvas, head: Head, person: Person, colour: Colour) -> None:
    width, height = person.face_half_width, person.face_half_height
    angle = np.linspace(np.pi, 2 * np.pi, 21)
    crown = np.stack([width * 1.16 * np.cos(angle), (-0.70 + 0.62 * np.sin(angle)) * height], axis=1)
    canvas.fill(head.outline(crown, -0.05), colour)
    brim = np.stack([1.42 * width * np.cos(_RING), (-0.72 + 0.10 * np.sin(_RING)) * height], axis=1)
    canvas.fill(head.outline(brim, 0.15), mix(colour, (0, 0, 0), 0.35))


def draw_glasses(face: Face, dark: bool) -> None:
    head, person = face.head, face.person
    frame: Colour = (16, 16, 20)
    for side in (0, 1):
        x, y = face.eye_centre(side)
        half_width = max(0.25, person.eye_half_width + 0.045)
        corner = 0.62  # a superellipse: rounded squares
        unit = np.stack([np.cos(_RING), np.sin(_RING)], axis=1)
        lens = np.array([x, y + 0.02]) + np.array([half_width, 0.235]) * np.sign(unit) * np.abs(unit) ** corner
        pixels = head.on_face(lens, 0.06)
        if dark:
            face.canvas.fill(pixels, (14, 14, 18))
            face.canvas.line(pixels[9:12], (110, 115, 130), 0.04 * head.scale)
        else:
            face.canvas.line(pixels, frame, 0.065 * head.scale, closed=True)
        sign = 2 * side - 1
        temple = np.array([[x + sign * half_width, y], [sign * person.face_half_width * 0.98, y - 0.02]])
        face.canvas.line(head.on_face(temple, 0.02), frame, 0.05 * head.scale)
    (left, y), (right, _) = face.eye_centre(0), face.eye_centre(1)
    inner = max(0.25, person.eye_half_width + 0.045)
    face.canvas.line(head.on_face(np.array([[left + inner, y], [right - inner, y]]), 0.08), frame, 0.06 * head.scale)


def draw_mask(face: Face) -> None:
    head, person = face.head, face.person
    height, width = person.face_half_height, person.face_half_width
    shape = outline.lowered(outline.face(person), height, face.jaw, face.jaw_shift)
    lower = shape[shape[:, 1] > 0.14 * height] * [1.03, 1.03]
    top = np.array([[-0.5 * width, 0.06 * height], [-0.15, -0.02], [0.15, -0.02], [0.5 * width, 0.06 * height]])
    cloth: Colour = (196, 226, 240)
    pixels = np.concatenate([head.outline(lower, 0.24), head.on_face(top, 0.1)])
    face.canvas.fill(pixels, cloth)
    for y in (0.30, MOUTH_Y, 0.80):
        fold = face.curve(-0.62 * width, y * height, 0.62 * width, y * height, 0.03)
        face.line(fold, mix(cloth, (0, 0, 0), 0.25), 0.03, lift=0.08)


def draw_hand(canvas: Canvas, body: Body, person: Person, side: int, angle: float) -> None:
    """A raised open hand beside the face, turned by `angle` degrees about the elbow."""
    sign = 2 * side - 1
    turn = np.radians(angle - 8 * sign)
    elbow = np.array([sign * 1.34, 1.75])

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        rotated = points @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return body.place(rotated + elbow)

    edge = mix(person.skin, (0, 0, 0), 0.35)
    arm = place(np.array([[-0.12, 0.4], [0.12, 0.4], [0.09, -0.85], [-0.09, -0.85]]))
    canvas.fill(arm, person.skin)
    for finger in (-0.20, -0.07, 0.07, 0.20):
        canvas.line(place(np.array([[finger * 0.8, -1.05], [finger * 1.35, -1.48]])), edge, 0.15 * body.scale)
        canvas.line(place(np.array([[finger * 0.8, -1.05], [finger * 1.35, -1.48]])), person.skin, 0.10 * body.scale)
    canvas.line(place(np.array([[-sign * 0.15, -0.95], [-sign * 0.36, -1.15]])), person.skin, 0.11 * body.scale)
    palm = place(np.stack([0.22 * np.cos(_RING), -1.0 + 0.22 * np.sin(_RING)], axis=1))
    canvas.fill(palm, person.skin)
