"""Frames as small pictures that are embedded in the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 112  # pixels of a frame in the page, at most
QUALITY = 78


def mosaic(frames: NDArray[np.uint8], rows: int = 2, columns: int = 2) -> str:
    """rows * columns frames, evenly chosen, in reading order as a JPEG data URI.

    frames: uint8 (time, height, width, 3), at least one.
    """
    chosen = frames[np.linspace(0, len(frames) - 1, rows * columns).round().astype(int)]
    lines = [np.concatenate(list(chosen[row * columns : (row + 1) * columns]), axis=1) for row in range(rows)]
    picture = Image.fromarray(np.concatenate(lines))
    if (scale := SIDE / frames.shape[1]) < 1:
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
        )
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(coded.getvalue()).decode()
