"""Performance -> RGB frames. `_draw_figure` draws from back to front, one line for each part."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from videmo.drawn import features, outline, skin, wear
from videmo.drawn.action_units import Deformation, deform
from videmo.drawn.canvas import Body, Canvas, Head
from videmo.drawn.features import Face
from videmo.drawn.performance import Figure, Performance
from videmo.drawn.person import Person, mix


def draw_frames(performance: Performance, size: int, chosen: Sequence[int] | None = None) -> NDArray[np.uint8]:
    """The chosen frames of a clip, all T by default: uint8 (frames, size, size, 3) RGB."""
    backdrop = _backdrop(performance, size)
    chosen = range(len(performance.figures[0].acting.head)) if chosen is None else chosen
    frames = np.empty((len(chosen), size, size, 3), np.uint8)
    light = _light(performance, size)
    for place, index in enumerate(chosen):
        frame = backdrop.copy()
        for figure in performance.figures:
            left, right = (round(edge * size) for edge in figure.window)
            window = frame if right - left == size else np.ascontiguousarray(frame[:, left:right])
            _draw_figure(Canvas(window), figure, performance, index, size, left)
            frame[:, left:right] = window
        cv2.multiply(frame, light, dst=frames[place], dtype=cv2.CV_8U)
    return frames


def _draw_figure(canvas: Canvas, figure: Figure, performance: Performance, index: int, size: int, left: int) -> None:
    person, acting, worn = figure.person, figure.acting, figure.script.accessories
    origin = (figure.centre[0] * size - left, figure.centre[1] * size)
    body = Body(origin, figure.scale * size, float(acting.body[index, 0]), float(acting.body[index, 1]))
    yaw, pitch, roll = acting.head[index]
    lift = float(acting.shoulders[index])
    head = Head(body, person.face_half_width, person.face_half_height, yaw, pitch, roll)
    sides = (_side(figure, index, 0), _side(figure, index, 1))
    shift = float(acting.jaw_shift[index])
    face = Face(canvas, head, person, sides, shift, acting.gaze[index])

    if person.hair_length == "long":
        canvas.fill(head.outline(outline.hair_back(person), -0.30), mix(person.hair, (0, 0, 0), 0.18))
    wear.draw_body(canvas, body, figure, performance.accent, lift)
    _draw_skull(canvas, head, person)
    far, near = (1, 0) if yaw > 0 else (0, 1)
    wear.draw_ear(canvas, head, person, far, "earrings" in worn)
    skin.draw_face_shape(face)
    skin.draw_skin(face)
    if person.hair_length != "bald":
        _draw_hair(canvas, head, person)
    wear.draw_ear(canvas, head, person, near, "earrings" in worn, near=True)
    features.draw_eyes(face)
    features.draw_nose(face)
    features.draw_mouth(face)
    if "hat" in worn:
        wear.draw_hat(canvas, head, person, performance.accent)
    features.draw_brows(face)
    for accessory in ("eyeglasses", "sunglasses"):
        if accessory in worn:
            wear.draw_glasses(face, dark=accessory == "sunglasses")
    if "mask" in worn:
        wear.draw_mask(face)
    if not np.isnan(acting.hand[index]):
        wear.draw_hand(canvas, body, person, figure.script.side, float(acting.hand[index]))


def _side(figure: Figure, index: int, side: int) -> Deformation:
    return deform(figure.acting.amplitudes[index, :, side], float(figure.acting.closure[index, side]))


def _draw_skull(canvas: Canvas, head: Head, person: Person) -> None:
    if person.hair_length == "bald":
        canvas.fill(head.outline(_upper_half(person), -0.22), mix(person.skin, (0, 0, 0), 0.10))
    elif person.hair_length == "short":
        canvas.fill(head.outline(outline.hair_back(person), -0.28), mix(person.hair, (0, 0, 0), 0.18))


def _upper_half(person: Person) -> NDArray[np.float64]:
    shape = outline.face(person)
    return shape[shape[:, 1] < 0.4] * [1.03, 1.02]


def _draw_hair(canvas: Canvas, head: Head, person: Person) -> None:
    upper, line = outline.hair_front(person)
    canvas.fill(np.concatenate([head.outline(upper, 0.02), head.on_face(line)[::-1]]), person.hair)
    streak = mix(person.hair, (255, 255, 255) if sum(person.hair) < 150 else (0, 0, 0), 0.28)
    for strand in outline.strands(person):
        canvas.line(head.outline(strand, 0.1 if strand[-1, 1] < 0 else -0.2), streak, 0.04 * head.scale)


def _backdrop(performance: Performance, size: int) -> NDArray[np.uint8]:
    frame = np.empty((size, size, 3), np.uint8)
    for figure in performance.figures:
        left, right = (round(edge * size) for edge in figure.window)
        frame[:, left:right] = figure.background
    canvas, accent = Canvas(frame), mix(performance.figures[0].background, performance.accent, 0.35)
    pale = mix(performance.figures[0].background, (255, 255, 255), 0.35)
    unit = float(size)
    if performance.pattern == "window":
        _rectangle(canvas, unit, (0.04, 0.05, 0.22, 0.42), pale)
        _rectangle(canvas, unit, (0.125, 0.05, 0.135, 0.42), accent)
    elif performance.pattern == "stripes":
        for left_edge in np.arange(0.02, 1, 0.16):
            _rectangle(canvas, unit, (left_edge, 0, left_edge + 0.05, 1), accent)
    elif performance.pattern == "shelf":
        _rectangle(canvas, unit, (0, 0.30, 1, 0.335), accent)
        for left_edge, top in ((0.05, 0.16), (0.12, 0.2), (0.82, 0.14), (0.9, 0.19)):
            _rectangle(canvas, unit, (left_edge, top, left_edge + 0.05, 0.30), pale)
    elif performance.pattern == "dots":
        for x in np.arange(0.06, 1, 0.18):
            for y in np.arange(0.08, 1, 0.18):
                canvas.disc(np.array([x, y]) * unit, 0.022 * unit, pale)
    if len(performance.figures) == 2 and performance.figures[0].window[1] < 1:
        _rectangle(canvas, unit, (0.494, 0, 0.506, 1), (255, 255, 255))
    return frame


def _rectangle(
    canvas: Canvas, unit: float, box: tuple[float, float, float, float], colour: tuple[int, int, int]
) -> None:
    left, top, right, bottom = box
    canvas.fill(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) * unit, colour)


def _light(performance: Performance, size: int) -> NDArray[np.float32]:
    """(size, size, 3) gain: the brightness from left to right across each figure's window."""
    gain = np.ones(size, np.float32)
    if performance.kind == "conversation":
        gain[:] = np.linspace(*performance.figures[0].light, size)
    else:
        for figure in performance.figures:
            left, right = (round(edge * size) for edge in figure.window)
            gain[left:right] = np.linspace(*figure.light, right - left)
    return np.ascontiguousarray(np.broadcast_to(gain[None, :, None], (size, size, 3)))
