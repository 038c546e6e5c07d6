"""Any video becomes evenly sampled square frames, or says on one line why it cannot."""

import struct
import tracemalloc

import av
import numpy as np
import pytest
from made_videos import plain, write_video

from videmo.data.decoding import ClipError, decode, letterbox, probe, sampled

SHADES = [20, 60, 100, 140, 180, 220]


def shades(frames: np.ndarray) -> list[int]:
    """The shade at the centre of each frame, which letterboxing leaves alone."""
    size = frames.shape[1]
    return [int(frame[size // 2, size // 2].mean()) for frame in frames]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".gif"])
def test_frames_are_taken_evenly_over_the_clip_whatever_the_container(tmp_path, suffix):
    video = write_video(tmp_path / f"a{suffix}", [plain(shade) for shade in SHADES for _ in range(4)])
    frames = decode(video, frames=6, size=28)
    assert frames.shape == (6, 28, 28, 3)
    assert frames.dtype == np.uint8
    np.testing.assert_allclose(shades(frames), SHADES, atol=20)  # a GIF has 256 colours


def test_an_uneven_frame_rate_is_sampled_by_time_and_not_by_count(tmp_path):
    """Ten quick frames in the first second, then a slow one: by count, it would be the last sample only."""
    times = [i / 10 for i in range(10)] + [1.0, 2.5]
    video = write_video(tmp_path / "a.mkv", [plain(30)] * 10 + [plain(120), plain(220)], times=times)
    np.testing.assert_allclose(shades(decode(video, frames=4, size=28)), [30, 30, 120, 120], atol=6)


def test_sound_is_ignored(tmp_path):
    video = write_video(tmp_path / "a.mp4", [plain(shade) for shade in SHADES], audio=True)
    np.testing.assert_allclose(shades(decode(video, frames=6, size=28)), SHADES, atol=6)


def test_a_clip_of_fewer_frames_repeats_them(tmp_path):
    frames = decode(write_video(tmp_path / "a.mp4", [plain(40), plain(200)]), frames=8, size=28)
    np.testing.assert_allclose(shades(frames), [40] * 4 + [200] * 4, atol=6)


def test_a_still_is_a_clip_of_one_frame(tmp_path):
    path = tmp_path / "still.png"
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(plain(99), format="rgb24")))
        container.mux(stream.encode())
    assert shades(decode(path, frames=4, size=28)) == [99] * 4


def test_letterboxing_keeps_the_shape_of_what_is_shown():
    square = letterbox(plain(200, width=80, height=40), 28)
    assert (square[:7] == 0).all()
    assert (square[7:21] == 200).all()
    assert (square[21:] == 0).all()


def test_a_rotation_in_the_metadata_is_undone(tmp_path):
    """A phone held upright stores a lying picture and the turn to show it with."""
    lying = plain(20)
    lying[:, :32] = 220  # bright on the left: on top once turned clockwise
    video = write_video(tmp_path / "a.mp4", [lying] * 6)
    content = video.read_bytes()
    at = content.index(b"tkhd") + 4 + 40
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    video.write_bytes(content[:at] + turned + content[at + 36 :])
    picture = next(iter(sampled(video, probe(video), 1)))
    assert picture.shape == (64, 48, 3)
    assert picture[:30].mean() > 200
    assert picture[-30:].mean() < 40


def test_a_probe_tells_duration_rate_and_size(tmp_path):
    found = probe(write_video(tmp_path / "a.mkv", [plain(9)] * 25, fps=10))
    assert found.duration == pytest.approx(2.5, abs=0.05)
    assert found.fps == pytest.approx(10, abs=0.2)
    assert (found.width, found.height) == (64, 48)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ClipError, match="no such file"):
        decode(tmp_path / "a.mp4", 4, 28)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ClipError, match="empty file"):
        decode(tmp_path / "a.mp4", 4, 28)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("not a video " * 100)
    with pytest.raises(ClipError, match="not a readable video"):
        decode(tmp_path / "a.mp4", 4, 28)


def test_a_file_with_sound_only_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ClipError, match="no video stream"):
        decode(path, 4, 28)


def test_a_video_of_no_frames_is_refused(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(ClipError, match=r"no frames|not a readable video"):
        decode(path, 4, 28)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".gif"])
@pytest.mark.parametrize("kept", [0.3, 0.6])
def test_a_truncated_video_is_refused_and_says_so(tmp_path, suffix, kept):
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    video = write_video(tmp_path / f"a{suffix}", noise)
    content = video.read_bytes()
    video.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ClipError, match=r"truncated|not a readable video"):
        decode(video, 4, 28)


def test_a_video_with_its_index_in_front_is_refused_when_its_frames_are_cut_off(tmp_path):
    """Here the container opens without complaint and promises every frame."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for picture in noise:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ClipError, match=r"truncated"):
        decode(path, 4, 28)


def test_a_long_clip_is_decoded_one_frame_at_a_time(tmp_path):
    video = write_video(tmp_path / "a.mp4", (plain(i % 250, 320, 240) for i in range(300)))
    tracemalloc.start()
    decode(video, frames=8, size=28)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 320 * 240 * 3  # 300 frames would be 300 times that


def test_a_playlist_in_disguise_does_not_reach_the_network(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(ClipError, match="not a readable video"):
        decode(path, 4, 28)


def test_a_playlist_in_disguise_does_not_stand_for_the_files_it_names(tmp_path):
    write_video(tmp_path / "real.mp4", [plain(100)] * 5)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile real.mp4\n")
    with pytest.raises(ClipError, match="not a readable video"):
        probe(tmp_path / "list.mp4")
