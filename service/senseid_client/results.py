"""Results, whose fields have the names of the service's bodies."""

from __future__ import annotations

from dataclasses import dataclass, field

Box = tuple[int, int, int, int]
"""`(left, top, right, bottom)` in whole pixels of the upright photo; right and bottom are exclusive."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing two faces.

    Attributes:
        verification_score: in [0, 1]; a stranger reaches 0.7 once in 10,000 times.
        request_id: 32 hex digits.
    """

    verification_score: float
    request_id: str


@dataclass(frozen=True, slots=True)
class OmniComparison:
    """Every face of one photo against every face of another.

    Attributes:
        scores: `scores[i][j]` is that of face i of the first and face j of the second photo.
        first_image_face_rects: one box per face.
        second_image_face_rects: one box per face.
        request_id: 32 hex digits.
    """

    scores: tuple[tuple[float, ...], ...]
    first_image_face_rects: tuple[Box, ...]
    second_image_face_rects: tuple[Box, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles in degrees."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Occlusion:
    """The share of each part that is not covered, in [0, 1]."""

    left_eye: float
    right_eye: float
    nose: float
    mouth: float
    total: float


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """The quality of one face. Each measure is in [0, 1], the brightness in [-1, 1]; higher is better.

    Attributes:
        rect: its box.
        pose: its direction.
        occlusion: its covered parts.
        distance2center: its closeness to the centre of the photo.
        size: its share of the photo.
        brightness: 0 is right, below 0 too dark.
        sharpness: its sharpness.
        mouth_open: how closed the mouth is.
        integrity: the share of it inside the photo.
    """

    rect: Box
    pose: Pose
    occlusion: Occlusion
    distance2center: float
    size: float
    brightness: float
    sharpness: float
    mouth_open: float
    integrity: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of every face of a photo.

    Attributes:
        faces: one per face, at least one.
        request_id: 32 hex digits.
    """

    faces: tuple[FaceQuality, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Liveness:
    """The result of a liveness check.

    Attributes:
        passed: the verdict.
        liveness_score: in [0, 1]; for reference.
        liveness_status: `ok`, `hack` or `short_time`; None unless it was asked for.
        verification_score: that of the live face and the photo; None unless there was a photo and the check passed.
        image_timestamp: time of the selected frame, in seconds; None unless an image was asked for and it passed.
        image: the selected frame, the bytes of an image file; None likewise.
        face_image: the face cut out of it; None unless it was asked for and the check passed.
        request_id: 32 hex digits.
    """

    passed: bool
    liveness_score: float
    liveness_status: str | None
    verification_score: float | None
    image_timestamp: float | None
    image: bytes | None = field(repr=False)
    face_image: bytes | None = field(repr=False)
    request_id: str
