"""Still pictures, told by their content and not by their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from videmo.data.refusal import ClipError, check_pixels

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"BM", b"II*\0", b"MM\0*")
BRANDS = {b"avif": "", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF"}  # of ISO media files, and who cannot be read


def is_still(path: Path) -> bool:
    """Whether the file is a picture, and not an animation, which FFmpeg reads.

    Raises ClipError on pictures that nothing here can read.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if start[4:8] == b"ftyp" and start[8:12] in BRANDS:
        if name := BRANDS[start[8:12]]:
            raise ClipError(f"a {name} picture, which cannot be read: save it as JPEG or PNG")
    elif not start.startswith(SIGNATURES) and (start[:4], start[8:12]) != (b"RIFF", b"WEBP"):
        return False
    with _opened(path) as picture:
        moves = getattr(picture, "is_animated", False) and picture.format != "MPO"
        if moves and picture.format != "PNG":
            raise ClipError(f"an animated {picture.format} picture, which cannot be read: save it as a video")
        return not moves


def read_still(path: Path) -> NDArray[np.uint8]:
    """The picture upright, uint8 (height, width, 3), RGB; what is transparent is black. Raises ClipError."""
    with _opened(path) as picture:
        check_pixels(*picture.size)
        try:
            upright = ImageOps.exif_transpose(picture)
        except (OSError, SyntaxError, ValueError) as error:
            raise ClipError(f"truncated or damaged: {error}") from None
        if upright.mode.startswith("I"):  # 16 bits, of which Pillow would keep the lower half
            return np.repeat((np.asarray(upright) // 256).astype(np.uint8)[..., None], 3, axis=2)
        if upright.has_transparency_data:
            coloured = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", coloured.size, "black"), coloured)
        return np.asarray(upright.convert("RGB"), np.uint8)


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ClipError("too large: more pixels than are read; scale it") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ClipError(f"not a readable picture: {error}") from None
