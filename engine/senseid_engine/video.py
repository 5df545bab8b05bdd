"""Videos in: the bytes of a clip become upright RGB frames with their times, or one coded refusal.

The content decides the type, never the name. Nothing is written to a disk: the bytes may come out of an encrypted file.
See docs/adr/0007-video-decoder.md for the choice of the decoder, and for the threat behind each limit.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import numpy as np

from senseid_engine.errors import ContentLengthError, ImageSizeError, VideoError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from senseid_engine.arrays import Pixels

MAX_BYTES: Final = 16 * 1024 * 1024
"""The longest video, in bytes. The contract's "16 MB", read as MiB, like the 5 MB of a photo."""

MIN_SIDE: Final = 8
"""The shortest width and height, in pixels."""

MAX_SIDE: Final = 5000
"""The longest width and height, in pixels."""

LEAST_SECONDS: Final = 2.0
"""The shortest video, in seconds."""

MOST_SECONDS: Final = 20.0
"""How much of a video is used, in seconds from its first frame: the rest is not decoded."""

A_SECOND: Final = 10.0
"""Default number of frames returned per second of video."""

KEPT_SIDE: Final = 1280
"""The longest side of the returned frames, in pixels; larger frames are averaged down."""

MAX_FRAMES: Final = 4800
"""Maximum number of decoded frames: 240 per second, for as long as a video is used."""

MAX_PIXELS: Final = 4_000_000_000
"""The most pixels that are decoded, all frames together: 1920 x 1080 at 60 a second for 32 seconds."""

MAX_PACKETS: Final = 20_000
"""The most packets that are read."""

# The demuxers of FFmpeg that may look at the bytes. None of them is a list of other files, such as HLS or concat.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "avi",
    "flv",
    "asf",
    "rm",
    "mpeg",
    "mpegts",
)
_NOT_READ: Final = "is not a video that can be read: give MP4, MOV, AVI, FLV, WMV, RM, WebM, 3GP or MPEG"
_CUT_OFF: Final = "is cut off, or its recording was not ended: send it again, or record it again"
# Boxes of MP4 and MOV: those that begin a file, and as many as are looked at.
_FIRST_BOXES: Final = (b"ftyp", b"mdat", b"wide")
_MOST_BOXES: Final = 1000
_WITHOUT_PRESENTATION_TIMES: Final = "avi"

# Containers that count in milliseconds round the first and the last time, and the time between two frames.
_ROUNDING: Final = 0.002
# So many seconds are not the sound that outlasts the pictures: they may have been there, and not decode.
_MISSING: Final = 0.5
# Pixels that are not square are made square where the header tells something sensible.
_SQUARE: Final = (0.4, 2.5)
_ANOTHER_SHAPE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a video.

    Attributes:
        timestamp: seconds since the first frame of the video.
        pixels: uint8 (height, width, 3), RGB, upright, C-contiguous, read-only; no side over `KEPT_SIDE`. All frames of
            a video have one shape.
    """

    timestamp: float
    pixels: Pixels = field(repr=False)


@dataclass(frozen=True, slots=True)
class Video:
    """A video whose header was read. Made by `decode_video`; its frames are decoded when they are asked for.

    Attributes:
        data: the whole file, decrypted. It is personal data.
        name: the name of the video in messages.
        header_seconds: its length according to the header, for a progress bar only; None if unknown.
    """

    data: bytes = field(repr=False)
    name: str
    header_seconds: float | None = None

    @property
    def expected_frames(self) -> int:
        """How many frames `frames` will return at its default rate, if the header is right."""
        return round(A_SECOND * min(self.header_seconds or MOST_SECONDS, MOST_SECONDS))

    def frames(self, *, a_second: float = A_SECOND, threads: int = 1) -> Iterator[Frame]:
        """Decode, and return evenly spaced frames.

        All of the first `MOST_SECONDS` are decoded, because clips have a key frame every few seconds at best, but only
        what is given out is converted, and none is kept.

        Args:
            a_second: maximum number of frames to return per second of video.
            threads: threads for the decoder, at least 1. They do not change the frames.

        Raises:
            VideoError: no frame decodes; the frames change their shape; or, after the last frame, the video turns out
                shorter than `LEAST_SECONDS`.
            ImageSizeError: a frame's width or height is outside `MIN_SIDE`..`MAX_SIDE`.
        """
        with _open(self.data, self.name) as container:
            stream = _video_stream(container, self.data, self.name)
            yield from _sample(self, container, stream, a_second, threads)


def decode_video(data: bytes, *, name: str) -> Video:
    """Read the header of a video.

    Args:
        data: the whole file, decrypted.
        name: the name of the video in messages.

    Raises:
        ContentLengthError: more than `MAX_BYTES` bytes.
        VideoError: not a video of a known kind by content, or one without pictures.
        ImageSizeError: width or height outside `MIN_SIDE`..`MAX_SIDE`, by the header.
    """
    if len(data) > MAX_BYTES:
        raise ContentLengthError(name, f"is over {MAX_BYTES:,} bytes (16 MB): make it shorter or more compressed")
    if not data:
        raise VideoError(name, "is empty: give a video of a face, such as MP4 or WebM")
    with _open(data, name) as container:
        _video_stream(container, data, name)
        header = container.duration
    # FFmpeg counts in millionths of a second here, whatever the file does.
    return Video(data, name, None if header is None or header <= 0 else header / 1_000_000)


def long_enough(seconds: float) -> bool:
    """Whether that is `LEAST_SECONDS` or more, as far as the times of a container tell."""
    return seconds >= LEAST_SECONDS - _ROUNDING


def _open(data: bytes, name: str) -> InputContainer:
    import av

    options = {
        "format_whitelist": ",".join(_FORMATS),
        # No format on the list opens a second file by itself. These two see to it that a later FFmpeg cannot either.
        "protocol_whitelist": "none",
        "enable_drefs": "0",
    }
    try:
        return av.open(io.BytesIO(data), "r", container_options=options, metadata_errors="replace", io_open=_refuse)
    except MemoryError:
        raise
    except Exception as error:
        # A parser of hostile bytes can fail in any way: the bytes tell more than its error.
        raise _refusal(data, name, _NOT_READ) from error


def _refusal(data: bytes, name: str, problem: str) -> VideoError:
    """The error of a video that is cut off, or else has that problem."""
    return VideoError(name, _CUT_OFF if _is_cut_off(data) else problem)


def _is_cut_off(data: bytes) -> bool:
    """Whether that is an MP4 or a MOV without the whole of the box that says where its frames are.

    Cameras write that box last, so it is missing from a recording that was cut off or not ended.
    """
    if data[4:8] not in _FIRST_BOXES:
        return False
    place = 0
    for _ in range(_MOST_BOXES):
        head = data[place : place + 8]
        size, kind = int.from_bytes(head[:4]), head[4:]
        if size == 1:  # 64 bits of it follow
            size = int.from_bytes(data[place + 8 : place + 16])
        place += size
        if len(head) < 8 or size == 0 or place > len(data):  # 0 is the rest of the file
            return True
        if size < 8 or kind == b"moov":
            return False
    return False


def _refuse(*_: object, **__: object) -> NoReturn:
    raise PermissionError("a video names another file")


def _video_stream(container: InputContainer, data: bytes, name: str) -> VideoStream:
    """The stream to look at, its size checked."""
    from av.video.stream import VideoStream

    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise _refusal(data, name, "has no pictures: give a video of a face, not sound")
    if getattr(stream, "codec_context", None) is None:
        raise _refusal(data, name, "has pictures of an unknown kind: save it as MP4 with H.264")
    if stream.width or stream.height:  # some headers have no size; then the frames decide
        _check_size(stream.width, stream.height, name)
    return stream


def _check_size(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE:
        raise ImageSizeError(
            name, f"is {width} x {height} px, each side must be {MIN_SIDE}..{MAX_SIDE} px: use another size"
        )


def _sample(
    video: Video, container: InputContainer, stream: VideoStream, a_second: float, threads: int
) -> Iterator[Frame]:
    shape = _Shape(video.name, _square_factor(stream))
    clock = _Clock(
        Fraction(stream.time_base or 1), by_decoding_order=container.format.name == _WITHOUT_PRESENTATION_TIMES
    )
    last_slot = -1
    for frame in _decode(container, stream, video.name, threads):
        timestamp = clock.tell(frame)
        if timestamp is None:
            continue
        if timestamp >= MOST_SECONDS:
            break
        # Half a millisecond: 0.2999999 is 0.3.
        slot = math.floor((timestamp + 0.0005) * a_second)
        if slot > last_slot:
            last_slot = slot
            yield Frame(timestamp, shape.upright(frame))
    if last_slot < 0:
        raise _refusal(video.data, video.name, "has no frame that decodes: record it again")
    if not long_enough(clock.seconds):
        problem = f"is {clock.seconds:.2f} s long by its frames, at least {LEAST_SECONDS:.0f} s are needed"
        header = video.header_seconds
        if header is not None and header - clock.seconds >= _MISSING:
            raise VideoError(
                video.name,
                f"{problem}, though {header:.2f} s by its header: send it again if it is damaged, or record more",
            )
        raise VideoError(video.name, f"{problem}: record more")


def _decode(container: InputContainer, stream: VideoStream, name: str, threads: int) -> Iterator[VideoFrame]:
    """The frames of a stream in the order in which they are shown, damaged ones left out, within the limits."""
    context = stream.codec_context
    context.thread_count = threads
    context.thread_type = "AUTO"
    # Decoders round the sides up to whole blocks before they ask.
    context.options = {"max_pixels": str((MAX_SIDE + 128) ** 2)}
    packets = container.demux(stream)
    frames = pixels = 0
    for _ in range(MAX_PACKETS):
        packet = _next(packets)
        if packet is None:
            return
        for frame in _frames_of(packet):
            _check_size(frame.width, frame.height, name)
            frames += 1
            pixels += frame.width * frame.height
            if frames > MAX_FRAMES or pixels > MAX_PIXELS:
                return
            if not frame.is_corrupt:
                yield frame


def _next(packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
    """The next packet; None where the file ends or is cut off."""
    try:
        return next(packets, None)
    except MemoryError:
        raise
    except Exception:  # hostile bytes fail in every way there is; what came before is judged
        return None


def _frames_of(packet: Packet[VideoStream]) -> list[VideoFrame]:
    try:
        return list(packet.decode())
    except MemoryError:
        raise
    except Exception:  # a damaged packet; the decoder goes on with the next one
        return []


class _Clock:
    """Tells when each frame is shown, from the decoded times alone: no frame rate and no length of a header counts."""

    def __init__(self, unit: Fraction, *, by_decoding_order: bool) -> None:
        self._unit = unit
        # An AVI counts its packets. With reordered frames its times are those of the packets, not of the pictures,
        # but the decoder gives the pictures out in their order.
        self._by_decoding_order = by_decoding_order
        self._first: int | None = None
        self._last = 0.0
        self._gaps: list[float] = []

    @property
    def seconds(self) -> float:
        """The length so far: from the first frame to the last, which is shown as long as the median of the others."""
        return self._last + float(np.median(self._gaps)) if self._gaps else 0.0

    def tell(self, frame: VideoFrame) -> float | None:
        """Seconds since the first frame; None for a frame without a time, or with one that is over."""
        stamp = frame.dts if self._by_decoding_order else frame.pts
        if self._first is None:
            self._first = stamp
            return None if stamp is None else 0.0
        if stamp is not None:
            time = float((stamp - self._first) * self._unit)
        elif self._gaps:  # the last pictures of such an AVI, after its last packet
            time = self.seconds
        else:
            return None
        if time <= self._last:
            return None
        self._gaps.append(time - self._last)
        self._last = time
        return time


class _Shape:
    """Makes all frames of a video alike: upright, with square pixels, of one size."""

    def __init__(self, name: str, widen: float) -> None:
        self._name = name
        self._widen = widen
        self._size: tuple[int, int] | None = None
        self._ratio = 0.0

    def upright(self, frame: VideoFrame) -> Pixels:
        turned, mirrored, flipped = _placement(frame)
        width, height = self._kept(frame.width * self._widen, frame.height, turned=turned)
        try:
            pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
        except MemoryError:
            raise
        except Exception as error:
            raise VideoError(self._name, "holds frames that cannot be converted to RGB: save it as MP4") from error
        placed = pixels.swapaxes(0, 1) if turned else pixels
        placed = placed[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        upright: Pixels = np.ascontiguousarray(placed, np.uint8)
        upright.flags.writeable = False
        return upright

    def _kept(self, width: float, height: float, *, turned: bool) -> tuple[int, int]:
        """The size to convert a frame to, before it is turned.

        All follow the first: browsers make the picture smaller while they record.
        """
        if turned:
            width, height = height, width
        if self._size is None:
            self._ratio = width / height
            scale = min(1.0, KEPT_SIDE / max(width, height))
            self._size = max(1, round(width * scale)), max(1, round(height * scale))
        elif abs(math.log(width / height / self._ratio)) > _ANOTHER_SHAPE:
            raise VideoError(self._name, "changes its shape on the way: hold the camera one way up")
        return self._size[::-1] if turned else self._size


def _placement(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """How a frame is shown: rows and columns swapped, then mirrored left to right, then top to bottom.

    These are all eight ways to put a picture into a frame. Its display matrix, in rows a b u, c d v, x y w, puts the
    pixel (p, q) at (a p + c q + x, b p + d q + y); of another angle the nearest of the eight is taken.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(cast("Any", data), np.int32)[:5].tolist()  # fixed point; only signs and sizes matter
    turned = abs(b) + abs(c) > abs(a) + abs(d)
    return turned, (c if turned else a) < 0, (b if turned else d) < 0


def _square_factor(stream: VideoStream) -> float:
    """The ratio of a pixel's width to its height."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if _SQUARE[0] <= ratio <= _SQUARE[1] else 1.0
