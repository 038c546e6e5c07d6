"""A picture is shown as its metadata says: turned, mirrored, with square pixels."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from made_videos import face

from videmo.data.upright import display_matrix, turned, with_square_pixels

EIGHT = [(a, 0, 0, d) for a, d in product((1, -1), repeat=2)] + [(0, b, c, 0) for b, c in product((1, -1), repeat=2)]


@pytest.mark.parametrize("matrix", EIGHT)
def test_every_pixel_goes_where_the_matrix_sends_it(matrix):
    a, b, c, d = matrix
    picture = np.random.default_rng(0).integers(0, 255, (3, 5, 3), np.uint8)
    sent = {(a * x + c * y, b * x + d * y): picture[y, x] for y, x in np.ndindex(3, 5)}
    left, top = (min(places) for places in zip(*sent, strict=True))
    shown = turned(picture, matrix)
    assert shown.size == picture.size
    for (x, y), pixel in sent.items():
        assert (shown[y - top, x - left] == pixel).all()


def test_a_matrix_between_right_angles_turns_to_the_nearest():
    picture = face()
    slightly, nearly_upside_down = (0.98, 0.17, -0.17, 0.98), (-0.98, -0.17, 0.17, -0.98)
    assert (turned(picture, slightly) == picture).all()
    assert (turned(picture, nearly_upside_down) == picture[::-1, ::-1]).all()


def test_a_matrix_is_read_from_fixed_point_numbers():
    numbers = [0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30]
    assert display_matrix(np.array(numbers, np.int32).tobytes()) == (0, 1, -1, 0)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(1), (10, 30)), (Fraction(2), (10, 60)), (Fraction(1, 2), (20, 30)), (Fraction(15, 16), (11, 30))],
)
def test_pixels_become_square_by_stretching_their_shorter_side(aspect, size):
    picture = np.full((10, 30, 3), 7, np.uint8)
    assert with_square_pixels(picture, aspect).shape == (*size, 3)
