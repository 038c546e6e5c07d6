"""Anti-aliased shapes with sub-pixel corners on an RGB frame, and the projection of head and body onto it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from videmo.drawn.person import Colour

Array = NDArray[np.float64]

_SHIFT = 4  # OpenCV takes corners as integers with this many fractional bits
_UNIT = float(1 << _SHIFT)


class Canvas:
    """Draws in pixels on `frame`, uint8 (H, W, 3), in place; (0, 0) is the corner of the first pixel."""

    def __init__(self, frame: NDArray[np.uint8]) -> None:
        self.frame = frame

    def fill(self, points: Array, colour: Colour) -> None:
        """A closed polygon; points: (n, 2)."""
        cv2.fillPoly(self.frame, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: Array, colour: Colour, width: float, closed: bool = False) -> None:
        thickness = max(1, round(width))
        cv2.polylines(self.frame, [_fixed(points)], closed, colour, thickness, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: Array, radius: float, colour: Colour) -> None:
        x, y = _fixed(centre)
        cv2.circle(self.frame, (int(x), int(y)), int(radius * _UNIT), colour, -1, cv2.LINE_AA, _SHIFT)


def _fixed(points: Array) -> NDArray[np.int32]:
    return np.rint((points - 0.5) * _UNIT).astype(np.int32)


class Body:
    """Places points in head units relative to the head at rest: (0, 0) is its middle, (0, 1) its chin."""

    def __init__(self, origin: tuple[float, float], scale: float, shift: float, roll: float) -> None:
        self.scale = scale  # pixels per head unit
        self.turn = scale * _rotation(roll)
        self.offset: Array = scale * (_WAIST + np.array([shift, 0.0])) - _WAIST @ self.turn + np.array(origin)

    def place(self, points: Array) -> Array:
        """(n, 2) head units -> (n, 2) pixels; the body rotates about its waist."""
        return points @ self.turn + self.offset


class Head:
    """Places points of a face that is turned by yaw, pitch and roll (degrees) on a body.

    Features lie on an ellipsoid of the face's half width and height, so that turning the head shifts and foreshortens
    them. Outlines shift by their depth and keep their width, since a head is about as deep as it is wide.
    """

    def __init__(
        self, body: Body, half_width: float, half_height: float, yaw: float, pitch: float, roll: float
    ) -> None:
        self.scale = body.scale
        self.half_width, self.half_height = half_width, half_height
        self._cos_yaw, self.turned = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
        cos_pitch, sin_pitch = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
        # Rows: how a step right, down and out of the face moves the pixel in x and y, before head and body roll.
        solid = np.array(
            [
                [self._cos_yaw, _PITCH * sin_pitch * self.turned / half_width],
                [0.0, cos_pitch],
                [half_width * self.turned, -_PITCH * sin_pitch * self._cos_yaw],
            ]
        )
        self._fall = np.array([0.85 / half_width**2, 0.35 / half_height**2])
        self._flat = _rotation(roll) @ body.turn
        self._solid = solid @ self._flat
        self._slide = np.array([half_width * self.turned, -_PITCH * sin_pitch]) @ self._flat
        self._offset = body.place(_NECK) - _NECK @ self._flat

    def on_face(self, points: Array, lift: float = 0.0) -> Array:
        """(n, 2) head units -> (n, 2) pixels; `lift` is the height above the face, in half widths."""
        solid = np.empty((len(points), 3))
        np.minimum(points[:, 0], self.half_width, out=solid[:, 0])
        np.maximum(solid[:, 0], -self.half_width, out=solid[:, 0])
        solid[:, 1] = points[:, 1]
        squares = np.square(points) @ self._fall
        solid[:, 2] = np.sqrt(np.maximum(1 - squares, 0.02)) + lift
        return solid @ self._solid + self._offset

    def outline(self, points: Array, depth: float) -> Array:
        """(n, 2) head units -> (n, 2) pixels, for outlines; depth > 0 is towards the face, < 0 towards the back."""
        return points @ self._flat + (self._offset + depth * self._slide)

    def depth(self, x: float, y: float) -> float:
        """How much a point of the face is turned towards the viewer: 1 in the middle of the picture, 0 at the edge."""
        x, y = x / self.half_width, y / self.half_height
        return math.sqrt(max(1 - 0.85 * x * x - 0.35 * y * y, 0.02)) * self._cos_yaw - x * self.turned


_WAIST = np.array([0.0, 2.4])
_NECK = np.array([0.0, 0.85])
_PITCH = 0.70  # how far looking up or down moves the features, as a share of the true movement


def _rotation(degrees: float) -> Array:
    """Clockwise on the screen, for row vectors."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])
