"""A face is there when several frames say so."""

import cv2
import numpy as np
import pytest
from made_videos import face, plain

from videmo.data.face import face_box, find_face


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    side = picture.shape[0]
    return cv2.warpAffine(picture, cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1), (side, side),
                          borderMode=cv2.BORDER_REPLICATE)  # fmt: skip


def on_a_wall(picture: np.ndarray, left: int, top: int, side: int = 400) -> np.ndarray:
    wall = np.full((side, side, 3), 90, np.uint8)
    wall[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return wall


def test_the_box_lies_around_the_face_as_shares_of_the_picture():
    left, top, right, bottom = find_face(on_a_wall(face(120), left=200, top=40))
    assert 0.5 <= left < 0.6 < 0.7 < right <= 0.82
    assert 0.08 <= top < 0.2 < 0.3 < bottom <= 0.42


def test_a_face_in_a_huge_picture_is_found_at_its_place():
    huge = cv2.resize(on_a_wall(face(120), left=200, top=40), (2600, 2600))
    assert find_face(huge) == pytest.approx(find_face(on_a_wall(face(120), left=200, top=40)), abs=0.03)


def test_a_wall_is_no_face():
    assert find_face(plain(90, 200, 200)) is None
    assert face_box(lambda: [plain(90, 200, 200)] * 8) is None


def test_one_hit_in_eight_frames_is_not_enough_and_two_are():
    wall = plain(90, 120, 120)
    assert face_box(lambda: [face(), *[wall] * 7]) is None
    assert face_box(lambda: [face(), face(), *[wall] * 6]) is not None


def test_a_head_that_is_tilted_all_along_is_found():
    tilted = turned(on_a_wall(face(160), left=120, top=120), 40)
    assert find_face(tilted) is None
    left, top, right, bottom = face_box(lambda: [tilted] * 4)
    assert left < 0.45 < 0.55 < right
    assert top < 0.45 < 0.55 < bottom


def test_the_box_of_a_clip_is_the_union_over_its_frames():
    frames = [on_a_wall(face(120), left=left, top=140) for left in (20, 260)]
    left, _, right, _ = face_box(lambda: frames * 2)
    assert left < 0.2
    assert right > 0.8
