"""Decode a video or a still picture into evenly sampled square frames, or say why it cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import cv2
import numpy as np
from av.buffer import Buffer
from av.video.frame import PictureType
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from videmo.data.clip import is_there
from videmo.data.refusal import PIXELS, ClipError, check_bytes, check_pixels, check_seconds
from videmo.data.stills import is_still, read_still
from videmo.data.upright import display_matrix, turned, with_square_pixels

DELIVERED = 0.9  # share of the stated frames, or length, below which a video counts as truncated or damaged
FALLBACK_FPS = 25.0  # for files without timestamps
TIMED_HEADERS = ("matroska", "mov", "asf", "flv")  # formats whose headers state a length; others only guess it
GIF_TRAILER = b";"
# Formats that contain their pictures. A playlist disguised as a video could name other files, local or remote.
FORMATS = "mov,matroska,avi,gif,apng,flv,asf,ogg,mpeg,mpegts,mpegvideo,h264,hevc,m4v"
MOST_BETWEEN = 16  # B frames in a row, the most that H.264 and H.265 reorder
TURN = "DISPLAYMATRIX"  # among the side data of a frame
UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
HD = 720  # lines from which untagged video has the colours of HDTV (ITU-R BT.709) and not of SDTV


@dataclass(frozen=True)
class Probe:
    """Properties of a video, read from its packets: headers are often wrong about length and rate."""

    start: float  # seconds, presentation time of the first frame
    duration: float  # seconds
    fps: float  # mean rate
    packets: int  # frames that the decoder should deliver


def decode(path: Path, frames: int, size: int) -> NDArray[np.uint8]:
    """Sample `frames` frames evenly over a video: uint8 (frames, size, size, 3), RGB, letterboxed on black.

    The clip is cut into `frames` equal spans of time, and the frame shown in the middle of each is taken. Frames of a
    still image, or of a clip with fewer frames, are repeated. Raises ClipError.
    """
    return np.stack([letterbox(frame, size) for frame in sampled(path, probe(path), frames)])


def probe(path: Path) -> Probe:
    """Duration, rate and size, without decoding. Raises ClipError if the file is unreadable, empty, truncated, or
    larger than what is read."""
    if not is_there(path):
        raise ClipError("no such file")
    check_bytes(path.stat().st_size)
    if is_still(path):
        return Probe(0.0, 1 / FALLBACK_FPS, FALLBACK_FPS, 1)
    with _opened(path) as container:
        check_seconds((container.duration or 0) / av.time_base)
        stream = _stream(container)
        stamps = list(_stamps(container, stream))
        _check_complete(container, stream, stamps)
        shown = sorted((stamp for stamp in stamps if stamp.shown), key=lambda stamp: stamp.time or 0)
        if not shown:
            raise ClipError("no frames: the video stream is empty")
        measured = _measured(stream, shown)
    check_seconds(measured.duration)
    return measured


def sampled(path: Path, probe: Probe, frames: int) -> Iterator[NDArray[np.uint8]]:
    """The frames that `decode` takes, one at a time at their own size: uint8 (height, width, 3).

    Keeps few frames in memory at a time. Decodes the whole clip, so that damage anywhere in it is noticed. A frame that
    is not sound is never taken: the one before it is shown for longer. Raises ClipError.
    """
    if is_still(path):
        yield from repeat(read_still(path), frames)
        return
    targets = [probe.start + (i + 0.5) / frames * probe.duration for i in range(frames)]
    shown: av.VideoFrame | None = None
    decoded = corrupt = 0
    with _opened(path) as container:
        stream = _stream(container)
        for frame, sound in _judged(_decoded(container, stream)):
            decoded += 1
            if not sound:
                corrupt += 1
                continue
            time = frame.time if frame.time is not None else probe.start + (decoded - 1) / probe.fps
            while targets and shown is not None and time > targets[0]:
                yield _picture(shown, stream)
                targets.pop(0)
            shown = frame
        if not decoded:
            raise ClipError("no frame could be decoded")
        if decoded - corrupt < probe.packets * DELIVERED:
            damage = f"{decoded} of {probe.packets} frames could be decoded, {corrupt} of them with corrupt pictures"
            raise ClipError(f"truncated or damaged: {damage}")
        assert shown is not None
        for _ in targets:
            yield _picture(shown, stream)


def letterbox(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Fit a picture (height, width, 3) into a square of `size` pixels, centred on black."""
    height, width = picture.shape[:2]
    scale = size / max(height, width)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((size, size, 3), np.uint8)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    square[top : top + inner[1], left : left + inner[0]] = small
    return square


def _opened(path: Path) -> av.container.InputContainer:
    try:
        container = av.open(str(path.resolve()), options={"protocol_whitelist": "file", "format_whitelist": FORMATS})
    except (av.FFmpegError, UnicodeError) as error:
        raise ClipError(f"not a readable video: {_said(error)}") from None
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream) or stream.disposition & av.stream.Disposition.attached_pic:
        container.close()
        raise ClipError("no video stream" + (", only a cover picture" if stream else ""))
    check_pixels(stream.codec_context.width, stream.codec_context.height)
    stream.codec_context.options = {"max_pixels": str(PIXELS)}  # of frames that the header does not tell of
    # data_build decodes many clips at once; threads within a decoder would compete for the same cores.
    stream.codec_context.thread_count = 1
    return container


def _stream(container: av.container.InputContainer) -> av.VideoStream:
    """The one that a player shows, which need not be the first."""
    stream = container.streams.best("video")
    assert isinstance(stream, av.VideoStream)
    return stream


@dataclass(frozen=True)
class _Stamp:
    """The timing of a packet: keeping the packets of a long video would fill the memory."""

    time: float | None  # seconds
    length: float  # seconds, 0 where unknown
    video: bool
    shown: bool  # belongs to the video and is not removed by an edit list


def _stamps(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[_Stamp]:
    try:
        for packet in container.demux():
            if packet.size:
                stamp = packet.pts if packet.pts is not None else packet.dts
                time = None if stamp is None else float(stamp * packet.time_base)
                video = packet.stream is stream
                yield _Stamp(
                    time, float((packet.duration or 0) * packet.time_base), video, video and not packet.is_discard
                )
    except av.FFmpegError as error:
        raise ClipError(f"truncated or damaged: reading stopped ({_said(error)})") from None


def _check_complete(container: av.container.InputContainer, stream: av.VideoStream, stamps: list[_Stamp]) -> None:
    """Compare the packets with what the container states, in the way that suits its format."""
    name = container.format.name
    count = sum(stamp.video for stamp in stamps)
    if name.startswith("mov") and count < stream.frames * DELIVERED:
        raise ClipError(f"truncated: has {count} of the {stream.frames} frames that its header states")
    if name == "gif" and not _tail(Path(container.name)).endswith(GIF_TRAILER):
        raise ClipError(f"truncated: the file ends in the middle of a frame, after {count} complete ones")
    stated = (container.duration or 0) / av.time_base if name.startswith(TIMED_HEADERS) else 0.0
    if name == "avi":  # its length is estimated from the file size; its frame count includes gaps
        stated = float(stream.frames * (stream.time_base or 0))
    end = max(((stamp.time or 0) + stamp.length for stamp in stamps), default=0.0)
    if end < stated * DELIVERED:
        raise ClipError(f"truncated: ends at {end:.2f} s of the {stated:.2f} s that its header states")


def _tail(path: Path) -> bytes:
    """The last bytes of a file, without padding."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 512))
        return file.read().rstrip(b"\0\r\n ")


def _measured(stream: av.VideoStream, shown: list[_Stamp]) -> Probe:
    """The last frame lasts as long as its packet states, or else as long as the average frame."""
    frame_time = 1 / float(stream.average_rate or FALLBACK_FPS)
    times = [stamp.time for stamp in shown if stamp.time is not None]
    if len(times) < len(shown):
        times = [i * frame_time for i in range(len(shown))]
    span = times[-1] - times[0]
    duration = span + (shown[-1].length or (span / (len(times) - 1) if span else frame_time))
    return Probe(times[0], duration, len(times) / duration, len(times))


def _decoded(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise ClipError(f"truncated or damaged: decoding stopped ({_said(error)})") from None


def _judged(frames: Iterable[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, bool]]:
    """Every frame in order, and whether it is sound: not corrupt, nor predicted from one that is. Key frames are
    predicted from none, B frames from those around them, and all others from what goes before."""
    between: list[av.VideoFrame] = []
    sound = True
    for frame in frames:
        if frame.pict_type == PictureType.B and len(between) < MOST_BETWEEN:
            between.append(frame)
            continue
        unbroken = sound and not any(one.is_corrupt for one in (*between, frame))
        yield from ((one, unbroken) for one in between)
        sound = unbroken or (frame.key_frame and not frame.is_corrupt)
        yield frame, sound
        between.clear()
    unbroken = sound and not any(one.is_corrupt for one in between)
    yield from ((one, unbroken) for one in between)


def _picture(frame: av.VideoFrame, stream: av.VideoStream) -> NDArray[np.uint8]:
    """A frame as a player shows it."""
    untagged = frame.colorspace == UNTAGGED and frame.height >= HD
    coloured = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709 if untagged else None, threads=1)
    square = with_square_pixels(np.asarray(coloured.to_ndarray(), np.uint8), _pixel_aspect(stream))
    matrix: Buffer | None = frame.side_data.get(TURN)  # type: ignore[assignment]  # PyAV's types know one kind alone
    return turned(square, display_matrix(bytes(matrix))) if matrix else square


def _pixel_aspect(stream: av.VideoStream) -> Fraction:
    return stream.sample_aspect_ratio or Fraction(1)


def _said(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
