"""Still pictures are read by their content, whatever their names say."""

import numpy as np
import pytest
from made_videos import face
from PIL import Image

from videmo.data.decoding import decode, probe
from videmo.data.refusal import ClipError
from videmo.data.stills import is_still, read_still

LEFT, TOP = (slice(None), slice(0, 40)), (slice(0, 30), slice(None))


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "bmp", "tiff", "avif"])
def test_a_still_is_read_in_any_format_behind_any_name(tmp_path, kind):
    path = tmp_path / "still.mp4"
    Image.fromarray(face()).save(path, format=kind)
    assert is_still(path)
    assert abs(read_still(path).astype(int) - face()).mean() < 3
    assert (decode(path, 3, 120) == read_still(path)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_exif_is_shown_upright(tmp_path, orientation):
    """Bright at the left of what is shown, and a little at the top."""
    shown = np.full((60, 80, 3), 20, np.uint8)
    shown[LEFT], shown[TOP] = 220, shown[TOP] // 2 + 60
    undo = {1: "", 2: "x", 3: "xy", 4: "y", 5: "t", 6: "tx", 7: "txy", 8: "ty"}[orientation]
    stored = shown
    for step in reversed(undo):
        stored = {"x": stored[:, ::-1], "y": stored[::-1], "t": stored.transpose(1, 0, 2)}[step]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert (read_still(tmp_path / "a.png") == shown).all()


def test_a_cut_picture_is_refused(tmp_path):
    for kind in ("jpeg", "png", "webp"):
        path = tmp_path / f"a.{kind}"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 65 // 100])
        with pytest.raises(ClipError, match=r"truncated|not a readable picture"):
            decode(path, 2, 28)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(path)
    with pytest.raises(ClipError, match="too large: 12000 x 12000 pixels, and at most 36 million"):
        read_still(path)


def test_what_is_transparent_is_black_and_16_bits_keep_their_upper_half(tmp_path):
    Image.new("RGBA", (4, 4), (200, 100, 50, 0)).save(tmp_path / "clear.png")
    assert (read_still(tmp_path / "clear.png") == 0).all()
    Image.fromarray(np.full((4, 4), 40_000, np.uint16)).save(tmp_path / "deep.png")
    assert (read_still(tmp_path / "deep.png") == 40_000 // 256).all()


def test_an_animated_png_is_a_video_and_an_animated_webp_is_refused_with_the_remedy(tmp_path):
    pictures = [Image.fromarray(np.full((40, 40, 3), shade, np.uint8)) for shade in (50, 200)]
    for name in ("a.png", "a.webp"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], duration=500)
    assert not is_still(tmp_path / "a.png")
    assert probe(tmp_path / "a.png").packets == 2
    assert [frame[20, 20, 0] for frame in decode(tmp_path / "a.png", 2, 40)] == [50, 200]
    with pytest.raises(ClipError, match="an animated WEBP picture, which cannot be read: save it as a video"):
        decode(tmp_path / "a.webp", 2, 40)


def test_a_heic_picture_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    with pytest.raises(ClipError, match="a HEIC picture, which cannot be read: save it as JPEG or PNG"):
        decode(tmp_path / "a.heic", 2, 40)


def test_a_file_that_only_starts_like_a_picture_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"BM is how this text starts")
    with pytest.raises(ClipError, match="not a readable picture"):
        decode(tmp_path / "a.jpg", 2, 40)
