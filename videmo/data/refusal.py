"""Why a video becomes no clip, and how large a video may be."""

from __future__ import annotations

PIXELS = 36_000_000  # in a picture; 8K video has 33
SECONDS = 900.0
BYTES = 4 * 2**30


class ClipError(ValueError):
    """The video cannot become a clip; the message is the reason, on one line."""


def check_bytes(size: int) -> None:
    """Raise ClipError if a file has no bytes, or too many."""
    if size == 0:
        raise ClipError("empty file (0 bytes)")
    if size > BYTES:
        raise ClipError(f"too large: {size / 2**30:.1f} GiB, and at most {BYTES / 2**30:.0f} are read; cut the video")


def check_pixels(width: int, height: int) -> None:
    """Raise ClipError if a picture has too many pixels."""
    if width * height > PIXELS:
        most = PIXELS // 1_000_000
        raise ClipError(f"too large: {width} x {height} pixels, and at most {most} million are read; scale it")


def check_seconds(seconds: float) -> None:
    """Raise ClipError if a video is too long."""
    if seconds > SECONDS:
        raise ClipError(f"too long: {seconds:.0f} s, and at most {SECONDS:.0f} are read; cut the video")
