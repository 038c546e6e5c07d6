"""Any video becomes evenly sampled square frames, or says on one line why it cannot."""

import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import Colorspace
from made_videos import face, plain, write_video

from videmo.data.decoding import decode, letterbox, probe, sampled
from videmo.data.refusal import ClipError

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


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("aspect", "squeeze"), [(Fraction(2), (60, 120)), (Fraction(1, 2), (120, 60))])
def test_pixels_that_are_not_square_are_made_so(tmp_path, suffix, aspect, squeeze):
    stored = cv2.resize(face(), squeeze, interpolation=cv2.INTER_AREA)
    video = write_video(tmp_path / f"a{suffix}", [stored] * 6, pixel_aspect=aspect)
    (shown,) = decode(video, 1, 120)
    assert abs(shown.astype(int) - face()).mean() < 4


@pytest.mark.parametrize("tag", [Colorspace.ITU709, None])
@pytest.mark.parametrize("lines", [480, 720])
def test_colours_are_read_with_the_matrix_of_the_tag_or_else_of_the_size(tmp_path, tag, lines):
    red = np.full((lines, 64, 3), (200, 40, 40), np.uint8)
    written_as = tag or (Colorspace.ITU709 if lines >= 720 else Colorspace.ITU601)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = lines, 64, "yuv420p"
        if tag:
            stream.codec_context.colorspace = tag
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(red, format="rgb24")
            coded = frame.reformat(format="yuv420p", dst_colorspace=written_as)
            coded.colorspace = tag or 2  # unspecified
            container.mux(stream.encode(coded))
        container.mux(stream.encode())
    (shown,) = decode(path, 1, 32)
    np.testing.assert_allclose(shown[16, 16], (200, 40, 40), atol=5)


def film_beside(path: Path, shade: int, marked: Disposition, film: Disposition) -> Path:
    """Two streams of pictures: a larger one of `shade` in front, marked so, and a film of SHADES."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=10) for _ in range(2)]
        for stream, size, disposition in zip(streams, (96, 48), (marked, film), strict=True):
            stream.height, stream.width, stream.pix_fmt = size, size, "yuv420p"
            stream.disposition = disposition
        for stream, shades_of_it in zip(streams, ([shade] * 6, SHADES), strict=True):
            for one in shades_of_it:
                picture = plain(one, stream.width, stream.height)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
    return path


def test_the_film_is_taken_and_not_the_cover_or_what_is_not_the_default(tmp_path):
    other = film_beside(tmp_path / "b.mkv", 250, Disposition(0), Disposition.default)
    np.testing.assert_allclose(shades(decode(other, 6, 28)), SHADES, atol=6)


def with_bits_flipped(video: Path, frame: int) -> Path:
    """The video with four bytes of one frame's packet changed, at the first place where the decoder notices."""
    content = video.read_bytes()
    with av.open(str(video)) as container:
        packet = bytes([packet for packet in container.demux() if packet.size][frame])
    damaged = video.with_name("damaged.mkv")
    for at in range(content.index(packet) + 50, content.index(packet) + len(packet), 50):
        flipped = bytes(byte ^ 0x55 for byte in content[at : at + 4])
        damaged.write_bytes(content[:at] + flipped + content[at + 4 :])
        with av.open(str(damaged)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            if any(shown.is_corrupt for shown in container.decode(video=0)):
                return damaged
    pytest.fail("the decoder notices no damage")


@pytest.mark.parametrize("frame", [38, 39])  # of type P and B
def test_no_frame_that_is_predicted_from_a_corrupt_one_is_taken_and_many_of_them_refuse_the_clip(tmp_path, frame):
    noise = np.random.default_rng(0)
    scene = cv2.GaussianBlur(noise.integers(0, 255, (96, 96, 3), np.uint8), (0, 0), 2)
    moving = [np.roll(scene, 3 * i, axis=1) + noise.integers(0, 40, scene.shape, np.uint8) // 2 for i in range(40)]
    video = write_video(tmp_path / "a.mkv", moving)
    sound = list(sampled(video, probe(video), 40))
    late = with_bits_flipped(video, frame)
    shown = list(sampled(late, probe(late), 40))
    assert all(any((picture == other).all() for other in sound) for picture in shown)
    assert any((picture != other).any() for picture, other in zip(shown, sound, strict=True))
    early = with_bits_flipped(video, frame=5)
    with pytest.raises(ClipError, match=r"damaged: 40 of 40 frames could be decoded, 3[0-9] of them with corrupt"):
        decode(early, 4, 28)


def test_a_video_that_is_too_long_or_too_large_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    long = write_video(tmp_path / "a.mkv", [plain(9)] * 4, times=[0, 300, 600, 901])
    with pytest.raises(ClipError, match=r"too long: 90[0-9]+ s, and at most 900 are read; cut the video"):
        probe(long)
    wide = write_video(tmp_path / "b.mkv", [plain(9, 640, 480)] * 2)
    monkeypatch.setattr("videmo.data.refusal.PIXELS", 640 * 480 - 1)
    with pytest.raises(ClipError, match="too large: 640 x 480 pixels"):
        probe(wide)
    monkeypatch.setattr("videmo.data.refusal.BYTES", 100)
    with pytest.raises(ClipError, match="too large: "):
        probe(long)


def test_a_probe_tells_duration_rate_and_size(tmp_path):
    found = probe(write_video(tmp_path / "a.mkv", [plain(9)] * 25, fps=10))
    assert found.duration == pytest.approx(2.5, abs=0.05)
    assert found.fps == pytest.approx(10, abs=0.2)


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
