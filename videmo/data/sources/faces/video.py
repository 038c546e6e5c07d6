"""Frames -> an H.264 file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

# One thread, and no time of writing in the header: the same frames give the same bytes.
_OPTIONS = {"crf": "16", "preset": "veryfast", "threads": "1"}


def write_video(path: Path, frames: np.ndarray, fps: int) -> None:
    """frames: uint8 (T, H, W, 3) RGB, H and W even."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=_OPTIONS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            # Converted here: through FFmpeg's own conversion, one encoding in about a hundred came out different.
            planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode())
