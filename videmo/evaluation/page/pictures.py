"""Frames as small pictures that lie in the page itself."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

SIDE = 112  # pixels of a frame in the page, at most
QUALITY = 78


def strip(frames: np.ndarray, count: int = 4) -> str:
    """`count` frames, evenly chosen, side by side as a JPEG data URI. frames: uint8 (time, height, width, 3)."""
    chosen = frames[np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)]
    picture = Image.fromarray(np.concatenate(list(chosen), axis=1))
    if (scale := SIDE / chosen.shape[1]) < 1:
        picture = picture.resize(
            (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
        )
    coded = io.BytesIO()
    picture.save(coded, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(coded.getvalue()).decode()
