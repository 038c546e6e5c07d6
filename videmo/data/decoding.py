"""Decode a video into evenly sampled square frames, or say why it cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from videmo.data.clip import is_there

DELIVERED = 0.9  # share of the stated frames, or length, below which a video counts as truncated
FALLBACK_FPS = 25.0  # for files without timestamps
TIMED_HEADERS = ("matroska", "mov", "asf", "flv")  # formats whose headers state a length; others only guess it
GIF_TRAILER = b";"
# Formats that contain their pictures. A playlist disguised as a video could name other files, local or remote.
FORMATS = "mov,matroska,avi,gif,flv,asf,mpeg,mpegts,mpegvideo,h264,hevc,m4v,image2,jpeg_pipe,png_pipe"


class ClipError(ValueError):
    """The video cannot become a clip; the message is the reason, on one line."""


@dataclass(frozen=True)
class Probe:
    """Properties of a video, read from its packets: headers are often wrong about length and rate."""

    start: float  # seconds, presentation time of the first frame
    duration: float  # seconds
    fps: float  # mean rate
    width: int  # pixels, as coded: a rotation in the metadata is undone in `sampled`
    height: int
    packets: int  # frames that the decoder should deliver


def decode(path: Path, frames: int, size: int) -> NDArray[np.uint8]:
    """Sample `frames` frames evenly over a video: uint8 (frames, size, size, 3), RGB, letterboxed on black.

    The clip is cut into `frames` equal spans of time, and the frame shown in the middle of each is taken. Frames of a
    still image, or of a clip with fewer frames, are repeated. Raises ClipError.
    """
    return np.stack([letterbox(frame, size) for frame in sampled(path, probe(path), frames)])


def probe(path: Path) -> Probe:
    """Duration, rate and size, without decoding. Raises ClipError if the file is unreadable, empty or truncated."""
    if not is_there(path):
        raise ClipError("no such file")
    if path.stat().st_size == 0:
        raise ClipError("empty file (0 bytes)")
    with _opened(path) as container:
        stream = container.streams.video[0]
        stamps = list(_stamps(container, stream))
        _check_complete(container, stream, stamps)
        shown = sorted((stamp for stamp in stamps if stamp.shown), key=lambda stamp: stamp.time or 0)
        if not shown:
            raise ClipError("no frames: the video stream is empty")
        return _measured(stream, shown)


def sampled(path: Path, probe: Probe, frames: int) -> Iterator[NDArray[np.uint8]]:
    """The frames that `decode` takes, one at a time at their own size: uint8 (height, width, 3).

    Keeps one frame in memory at a time. Decodes the whole clip, so that damage anywhere in it is noticed.
    """
    targets = [probe.start + (i + 0.5) / frames * probe.duration for i in range(frames)]
    shown: av.VideoFrame | None = None
    decoded = 0
    with _opened(path) as container:
        for frame in _decoded(container):
            time = frame.time if frame.time is not None else probe.start + decoded / probe.fps
            while targets and shown is not None and time > targets[0]:
                yield _picture(shown)
                targets.pop(0)
            shown = frame
            decoded += 1
    if shown is None:
        raise ClipError("no frame could be decoded")
    if decoded < probe.packets * DELIVERED:
        raise ClipError(f"truncated or damaged: only {decoded} of {probe.packets} frames could be decoded")
    for _ in targets:
        yield _picture(shown)


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
    if not container.streams.video:
        container.close()
        raise ClipError("no video stream")
    # data_build decodes many clips at once; threads within a decoder would compete for the same cores.
    container.streams.video[0].codec_context.thread_count = 1
    return container


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
    context = stream.codec_context
    return Probe(times[0], duration, len(times) / duration, context.width, context.height, len(times))


def _decoded(container: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    try:
        yield from container.decode(video=0)
    except av.FFmpegError as error:
        raise ClipError(f"truncated or damaged: decoding stopped ({_said(error)})") from None


def _picture(frame: av.VideoFrame) -> NDArray[np.uint8]:
    picture = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    return np.rot90(picture, round(frame.rotation / 90)) if frame.rotation else picture


def _said(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip()
