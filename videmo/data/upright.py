"""A picture as a player shows it: its pixels square, turned and mirrored as its metadata says."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray


def display_matrix(side_data: bytes) -> tuple[float, float, float, float]:
    """(a, b, c, d) of FFmpeg's display matrix, 9 numbers of 32 bits: x' = ax + cy, y' = bx + dy, y pointing down.

    https://ffmpeg.org/doxygen/trunk/group__lavu__video__display.html
    """
    a, b, _, c, d, *_ = np.frombuffer(side_data, np.int32, 9).tolist()
    return a / 65536, b / 65536, c / 65536, d / 65536


def turned(picture: NDArray[np.uint8], matrix: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """The picture (height, width, 3) under a display matrix, to the nearest of the eight ways to turn and mirror it."""
    a, b, c, d = matrix
    right, down = (a, d) if abs(a) + abs(d) >= abs(b) + abs(c) else (c, b)
    shown = picture if (right, down) == (a, d) else picture.transpose(1, 0, 2)
    return shown[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1]


def with_square_pixels(picture: NDArray[np.uint8], aspect: Fraction) -> NDArray[np.uint8]:
    """The picture (height, width, 3), stretched so that pixels `aspect` times as wide as high become square."""
    height, width = picture.shape[:2]
    if aspect == 1:
        return picture
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
