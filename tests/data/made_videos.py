"""Real videos for the tests, made on the spot."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np


def face(size: int = 120, background: int = 90) -> np.ndarray:
    """A picture with a face plain enough for a detector of faces: (size, size, 3), RGB."""
    picture = np.full((size, size, 3), background, np.uint8)
    x = y = size // 2
    cv2.ellipse(picture, (x, y), (size * 3 // 10, size * 2 // 5), 0, 0, 360, (210, 180, 160), -1, cv2.LINE_AA)
    for side in (-1, 1):
        eye = (x + side * size * 12 // 100, y - size * 8 // 100)
        brow = (eye[0], eye[1] - size * 6 // 100)
        cv2.ellipse(picture, brow, (size * 9 // 100, size * 2 // 100), 0, 0, 360, (60, 40, 30), -1, cv2.LINE_AA)
        cv2.ellipse(picture, eye, (size * 8 // 100, size * 4 // 100), 0, 0, 360, (110, 80, 70), -1, cv2.LINE_AA)
        cv2.circle(picture, eye, size * 3 // 100, (20, 20, 20), -1, cv2.LINE_AA)
    for drop, width, colour in ((8, 5, (150, 110, 100)), (20, 12, (120, 50, 50))):
        at = (x, y + size * drop // 100)
        cv2.ellipse(picture, at, (size * width // 100, size * 2 // 100), 0, 0, 360, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), size / 100)


def plain(shade: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), shade, np.uint8)


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    fps: int = 10,
    times: list[float] | None = None,
    audio: bool = False,
    pixel_aspect: Fraction = Fraction(1),
) -> Path:
    """Encode pictures in the format of the path's suffix; `times` in seconds make the frame rate uneven."""
    pictures = list(pictures)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        gif = path.suffix == ".gif"
        stream = container.add_stream("gif" if gif else "libx264", rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "rgb8" if gif else "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        stream.codec_context.time_base = Fraction(1, 100 if gif else 1000 if times else fps)
        if audio:
            _add_tone(container, seconds=len(pictures) / fps)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round((times[i] if times else i / fps) / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _add_tone(container: av.container.OutputContainer, seconds: float) -> None:
    stream = container.add_stream("aac", rate=16000)
    samples = (8000 * np.sin(np.arange(int(16000 * seconds)) / 8)).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = 16000
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
