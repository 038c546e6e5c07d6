"""Face detection with OpenCV's frontal Haar cascade (ships in the wheel; no download, no GPU).

The cascade misses tilted heads and sometimes sees a face where there is none, so one hit in one frame is not enough.
Of 28 real videos with a face (8 frames each) all but one have two upright hits; in that one people tilt their heads,
and it has 8 hits once the picture is rotated by 25 degrees. The video without a face has at most one at any rotation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]

MIN_FACE = 28  # pixels
MAX_SIDE = 1280  # pixels; larger pictures are scaled down, since one 4K frame would take seconds
HIT_SHARE = 0.25  # of the frames, and at least two
TILTS = (0, -25, 25)  # degrees


def face_box(pictures: Callable[[], Iterable[NDArray[np.uint8]]]) -> Box | None:
    """Where the face is in the pictures of a clip, or None. Each call of `pictures` starts from the first one.

    Left, top, right, bottom as shares of the picture: the union of each picture's largest hit. Tilted heads are tried
    only if there are too few upright hits, and need one hit more.
    """
    for tilt in TILTS:
        hits = [find_face(picture, tilt) for picture in pictures()]
        boxes = [hit for hit in hits if hit]
        if len(boxes) >= max(2, round(len(hits) * HIT_SHARE)) + (tilt != 0):
            lefts, tops, rights, bottoms = zip(*boxes, strict=True)
            return min(lefts), min(tops), max(rights), max(bottoms)
    return None


def find_face(picture: NDArray[np.uint8], tilt: float = 0) -> Box | None:
    """The largest frontal face in a picture (height, width, 3) after rotating it by `tilt` degrees counterclockwise.

    The box is in the coordinates of the picture before rotation.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    turn = cv2.getRotationMatrix2D((0, 0), tilt, scale)
    turn[:, 2] = np.array([width, height]) * scale / 2 - turn[:, :2] @ [width / 2, height / 2]
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if tilt or scale < 1:
        gray = cv2.warpAffine(gray, turn, (round(width * scale), round(height * scale)), flags=cv2.INTER_LINEAR)
    boxes = _cascade().detectMultiScale(gray, scaleFactor=1.1, minNeighbors=5, minSize=(MIN_FACE, MIN_FACE))
    if not len(boxes):
        return None
    left, top, w, h = max(boxes, key=lambda box: box[2] * box[3])
    corners = np.array([[left, top], [left + w, top], [left, top + h], [left + w, top + h]], float)
    placed = cv2.transform(corners[None], cv2.invertAffineTransform(turn))[0] / [width, height]
    (x0, y0), (x1, y1) = placed.min(0).clip(0, 1), placed.max(0).clip(0, 1)
    return float(x0), float(y0), float(x1), float(y1)


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")  # type: ignore[attr-defined]
