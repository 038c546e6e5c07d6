"""Small videos that go wrong, made from a public clip. They are not part of the project: VIDEMO_CASES names them."""

import os
from pathlib import Path

import numpy as np
import pytest

from videmo.data.decoding import decode, probe, sampled
from videmo.data.refusal import ClipError

CASES = Path(os.environ.get("VIDEMO_CASES", Path(__file__).parents[3] / "shared" / "cases")) / "video"

pytestmark = pytest.mark.skipif(
    not (CASES / "plain.mp4").is_file(), reason=f"no cases at {CASES}; name their directory in VIDEMO_CASES"
)


def frames(name: str) -> np.ndarray:
    return decode(CASES / name, 8, 84).astype(int)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rot90.mp4", lambda plain: np.rot90(plain, 1, (1, 2))),
        ("rot180.mp4", lambda plain: plain[:, ::-1, ::-1]),
        ("rot270.mp4", lambda plain: np.rot90(plain, 3, (1, 2))),
        ("mirrored.mp4", lambda plain: plain[:, :, ::-1]),
        ("upside_down_mirrored.mp4", lambda plain: plain[:, ::-1]),
        ("cover_first.mkv", lambda plain: plain),
        ("second_stream_is_default.mkv", lambda plain: plain),
    ],
)
def test_a_video_is_turned_mirrored_and_chosen_as_a_player_does(name, shown):
    assert abs(frames(name) - shown(frames("plain.mp4"))).mean() < 0.1


@pytest.mark.parametrize("name", ["sar_2_1.mp4", "sar_1_2.mkv", "sar_15_16.mp4"])
def test_a_face_is_not_squashed(name):
    assert abs(frames(name) - frames("plain.mp4")).mean() < 3
    (picture,) = sampled(CASES / name, probe(CASES / name), 1)
    assert picture.shape[0] == picture.shape[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("song_with_cover.m4a", "no video stream, only a cover picture"),
        ("damaged_a.mp4", "of them with corrupt pictures"),
        ("damaged_b.mp4", "of them with corrupt pictures"),
        ("damaged_c.mp4", "of them with corrupt pictures"),
        ("cut_65.jpg", "truncated or damaged: image file is truncated"),
    ],
)
def test_what_is_no_whole_video_is_refused_and_told_why(name, reason):
    with pytest.raises(ClipError, match=reason):
        frames(name)


@pytest.mark.parametrize("name", ["webp_named.jpg", "bmp_named.png"])
def test_a_still_is_read_whatever_its_name_says(name):
    assert frames(name).std() > 30
