"""Anti-aliased shapes with sub-pixel corners on an RGB frame, and the turning of head and body onto it."""

from __future__ import annotations

import cv2
import numpy as np

from videmo.data.sources.faces.person import Colour

_SHIFT = 4  # OpenCV takes corners as integers with this many fractional bits
_UNIT = float(1 << _SHIFT)


class Canvas:
    """Draws in pixels on `frame`, uint8 (H, W, 3), in place; (0, 0) is the corner of the first pixel."""

    def __init__(self, frame: np.ndarray) -> None:
        self.frame = frame

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        """A closed polygon; points: (n, 2)."""
        cv2.fillPoly(self.frame, [_fixed(points)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: np.ndarray, colour: Colour, width: float, closed: bool = False) -> None:
        thickness = max(1, round(width))
        cv2.polylines(self.frame, [_fixed(points)], closed, colour, thickness, cv2.LINE_AA, _SHIFT)

    def disc(self, centre: np.ndarray, radius: float, colour: Colour) -> None:
        x, y = _fixed(centre)
        cv2.circle(self.frame, (int(x), int(y)), int(radius * _UNIT), colour, -1, cv2.LINE_AA, _SHIFT)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.rint((points - 0.5) * _UNIT).astype(np.int32)


class Body:
    """Places points given in head units around the resting head's middle: (0, 0) its middle, (0, 1) its chin."""

    def __init__(self, origin: tuple[float, float], scale: float, shift: float, roll: float) -> None:
        self.scale = scale  # pixels per head unit
        self._origin = np.array([origin[0] + shift * scale, origin[1]])
        self._turn = _rotation(roll)

    def place(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) head units -> (n, 2) pixels; the body turns about its waist."""
        return self._origin + self.scale * ((points - _WAIST) @ self._turn + _WAIST)


class Head:
    """Places points of a face that is turned by yaw, pitch and roll (degrees) and sits on a body.

    Features lie on an ellipsoid of the face's half width and height, so that turning slides and foreshortens them;
    outlines keep their width, as a head is about as deep as wide, and only slide by their depth.
    """

    def __init__(
        self, body: Body, half_width: float, half_height: float, yaw: float, pitch: float, roll: float
    ) -> None:
        self.body = body
        self.scale = body.scale
        self.half_width, self.half_height = half_width, half_height
        self.turned = float(np.sin(np.radians(yaw)))
        self._cos_yaw, self._sin_yaw = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        self._cos_pitch, self._sin_pitch = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
        self._turn = _rotation(roll)

    def on_face(self, points: np.ndarray, lift: float = 0.0) -> np.ndarray:
        """(n, 2) head units -> (n, 2) pixels; `lift` stands out of the face, in half widths."""
        x, y = points[:, 0] / self.half_width, points[:, 1] / self.half_height
        z = np.sqrt(np.maximum(1 - 0.85 * x * x - 0.35 * y * y, 0.02)) + lift
        right = self.half_width * (x * self._cos_yaw + z * self._sin_yaw)
        down = points[:, 1] * self._cos_pitch - 0.62 * (z * self._cos_yaw - x * self._sin_yaw) * self._sin_pitch
        return self._onto_body(np.stack([right, down], axis=1))

    def outline(self, points: np.ndarray, depth: float) -> np.ndarray:
        """(n, 2) head units -> (n, 2) pixels, for what is seen edge-on; depth > 0 is towards the face, < 0 the back."""
        slide = np.array([depth * self.half_width * self._sin_yaw, -0.62 * depth * self._sin_pitch])
        return self._onto_body(points + slide)

    def depth(self, x: float, y: float) -> float:
        """How far a point of the face is turned to the viewer: 1 in the middle of the picture, 0 at the edge."""
        x, y = x / self.half_width, y / self.half_height
        return float(np.sqrt(max(1 - 0.85 * x * x - 0.35 * y * y, 0.02)) * self._cos_yaw - x * self._sin_yaw)

    def _onto_body(self, points: np.ndarray) -> np.ndarray:
        return self.body.place((points - _NECK) @ self._turn + _NECK)


_WAIST = np.array([0.0, 2.4])
_NECK = np.array([0.0, 0.85])


def _rotation(degrees: float) -> np.ndarray:
    """Clockwise on the screen, for row vectors."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])
