"""Liveness data: what a capture that passed leaves for a later comparison. See docs/formats/liveness-data.md.

A file is `MAGIC` and a sealed message. Sealing is the business of whoever has the key: it is passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from senseid_engine.errors import LivenessDataError, MediaError
from senseid_engine.image import decode_image
from senseid_engine.liveness.pictures import encode_frame
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.image import Image
    from senseid_engine.liveness.capture_pb2 import Capture as Message
    from senseid_engine.liveness.capture_pb2 import Frame as FrameMessage
    from senseid_engine.liveness.capture_pb2 import Rect as RectMessage
    from senseid_engine.liveness.results import LivenessResult, SelectedFrame

MAGIC: Final = b"\x89senseid-liveness\r\n\x1a\n"
"""The first bytes of a file of liveness data. They say what the file claims to be, and prove nothing."""

VERSION: Final = 1
ID_BYTES: Final = 16
DIGEST_BYTES: Final = 32
MOST_FRAMES: Final = 8
MAX_BYTES: Final = 16 * 1024 * 1024
"""The longest file, in bytes; a video may have as many."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CaptureDevice:
    """Facts about the device that made a capture. None tells it from another of its kind.

    Attributes:
        software: the program, such as `senseid 0.1.0`.
        system: the operating system, such as `Linux`.
        machine: the processor's architecture, such as `x86_64`.
    """

    software: str
    system: str
    machine: str


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One frame of a capture.

    Attributes:
        timestamp: seconds since the first frame of the video.
        quality: of the face, in [0, 1].
        face: where it is.
        image: the frame, upright. It is personal data.
    """

    timestamp: float
    quality: float
    face: Rect
    image: Image = field(repr=False)


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture of a living person.

    Attributes:
        id: 16 random bytes.
        checked_at: when the check was made, by the device's clock.
        score: the liveness score, in [0, 1].
        models: SHA-256 over the SHA-256s of all models and data files that took part.
        video: SHA-256 of the video file.
        face_seconds: how long the face was seen.
        width: of a frame, pixels, upright.
        height: of a frame, pixels, upright.
        device: what made it.
        frames: the selected frames, the best first; 1 to `MOST_FRAMES`.
    """

    id: bytes
    checked_at: datetime
    score: float
    models: bytes
    video: bytes
    face_seconds: float
    width: int
    height: int
    device: CaptureDevice
    frames: tuple[CapturedFrame, ...]


def pack_capture(
    result: LivenessResult,
    *,
    capture_id: bytes,
    checked_at: datetime,
    models: bytes,
    video: bytes,
    device: CaptureDevice,
    seal: Callable[[bytes], bytes],
) -> bytes:
    """The file of a check that passed.

    Args:
        result: the check.
        capture_id: 16 random bytes.
        checked_at: the time now, with a time zone.
        models: SHA-256 over those of the models.
        video: SHA-256 of the video file.
        device: what made the capture.
        seal: encrypts and authenticates.

    Raises:
        ValueError: the check did not pass. A mistake of the caller: of an attack no data are made.
    """
    if not result.passed:
        raise ValueError("liveness data are made of a check that passed only")
    from senseid_engine.liveness import capture_pb2

    message = capture_pb2.Capture(
        version=VERSION,
        id=capture_id,
        checked_at=(checked_at - _EPOCH) // timedelta(milliseconds=1),
        check=capture_pb2.Check(score=result.score, models=models),
        source=capture_pb2.Source(
            sha256=video, face_seconds=result.face_seconds, width=result.width, height=result.height
        ),
        device=capture_pb2.Device(software=device.software, system=device.system, machine=device.machine),
        frames=[_frame_message(frame) for frame in result.selected[:MOST_FRAMES]],
    )
    return MAGIC + seal(message.SerializeToString(deterministic=True))


def _frame_message(frame: SelectedFrame) -> FrameMessage:
    from senseid_engine.liveness import capture_pb2

    rect = frame.face.rect
    return capture_pb2.Frame(
        jpeg=encode_frame(frame, "JPEG"),
        timestamp=frame.timestamp,
        quality=frame.quality,
        face=capture_pb2.Rect(left=rect.left, top=rect.top, right=rect.right, bottom=rect.bottom),
    )


def is_capture(data: bytes) -> bool:
    """Whether a file claims to be liveness data, by its first bytes."""
    return data.startswith(MAGIC)


def unpack_capture(data: bytes, *, name: str, unseal: Callable[[bytes], bytes]) -> Capture:
    """Read a file of liveness data.

    Args:
        data: the whole file.
        name: what the caller calls the file, for messages.
        unseal: opens what `seal` closed, or raises a `LivenessDataError`.

    Raises:
        LivenessDataError: it is no such file, it does not authenticate, or it is not what this version makes.
    """
    if not is_capture(data) or len(data) > MAX_BYTES:
        raise LivenessDataError(name, "is not liveness data: give a file that `senseid liveness pack` made")
    opened = unseal(data[len(MAGIC) :])
    from google.protobuf.message import DecodeError

    from senseid_engine.liveness import capture_pb2

    message = capture_pb2.Capture()
    try:
        message.ParseFromString(opened)
    except DecodeError as error:
        raise LivenessDataError(name, "is sealed, but holds no capture: make it again") from error
    return _read(message, name)


def _read(message: Message, name: str) -> Capture:
    def refuse(what: str) -> NoReturn:
        raise LivenessDataError(name, f"holds a capture with {what}: make it again")

    if message.version != VERSION:
        raise LivenessDataError(name, f"is of version {message.version}, this senseid reads {VERSION}: update it")
    source, check = message.source, message.check
    if len(message.id) != ID_BYTES or len(source.sha256) != DIGEST_BYTES or len(check.models) != DIGEST_BYTES:
        refuse("an id or a digest of another length")
    if not 1 <= len(message.frames) <= MOST_FRAMES:
        refuse(f"{len(message.frames)} frames, not 1 to {MOST_FRAMES}")
    if not 0 <= message.checked_at < (_LAST - _EPOCH) // timedelta(milliseconds=1):
        refuse("an impossible time")
    shares = [check.score, *(frame.quality for frame in message.frames)]
    seconds = [source.face_seconds, *(frame.timestamp for frame in message.frames)]
    if not all(0 <= share <= 1 for share in shares) or not all(0 <= time < math.inf for time in seconds):
        refuse("an impossible number")
    try:
        # They are JPEG: nothing else gets in where phone formats are not allowed.
        frames = tuple(
            CapturedFrame(
                frame.timestamp,
                frame.quality,
                _rect(frame.face),
                decode_image(frame.jpeg, name=name, phone_formats=False),
            )
            for frame in message.frames
        )
    except MediaError as error:
        raise LivenessDataError(name, "holds a frame that does not decode: make it again") from error
    return Capture(
        id=message.id,
        checked_at=_EPOCH + timedelta(milliseconds=message.checked_at),
        score=check.score,
        models=check.models,
        video=source.sha256,
        face_seconds=source.face_seconds,
        width=source.width,
        height=source.height,
        device=CaptureDevice(message.device.software, message.device.system, message.device.machine),
        frames=frames,
    )


def _rect(message: RectMessage) -> Rect:
    return Rect(message.left, message.top, message.right, message.bottom)
