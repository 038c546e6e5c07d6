"""Frames -> an H.264 file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

# Settings that make equal frames give equal bytes: no timestamp in the header, one thread, no macroblock tree. With
# the macroblock tree, 40 encodings of one clip gave 4 different files; the cause is unknown.
_OPTIONS = {
    "crf": "16",
    "preset": "veryfast",
    "x264-params": "threads=1:lookahead-threads=1:sync-lookahead=0:mbtree=0",
}


def write_video(path: Path, frames: NDArray[np.uint8], fps: int) -> None:
    """frames: uint8 (T, H, W, 3) RGB, H and W even."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps), options=_OPTIONS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
