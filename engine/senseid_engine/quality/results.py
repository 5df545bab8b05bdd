"""Results of the quality check: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senseid_engine.image import Image
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.occlusion import Occlusion
    from senseid_engine.quality.pose import Pose
    from senseid_engine.results import FoundFaces, Rect


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """The quality of one face. docs/quality.md says how each value is measured.

    Attributes:
        rect: where the face is.
        pose: how the head is turned, degrees.
        occlusion: which share of each feature can be seen.
        visible: which share of all of them together, by area, in [0, 1].
        distance_to_centre: 1 - distance from the photo's centre / its short side, in [0, 1].
        size: share of the photo that the five features take, in [0, 1].
        brightness: of the face, in [-1, 1]; 0 is middle grey.
        sharpness: of the face, in [0, 1].
        mouth_open: in [0, 1]; 1 is a closed mouth, as the manual has it.
        eyes_open: in [0, 1]; 0 is closed eyes.
        integrity: share of the five features' area inside the photo, in [0, 1].
        eye_distance: between the centres of the eyes, pixels, as if the face looked straight ahead.
        overall: how likely the face is to be recognised, among photos like those of LFW, in [0, 1]; the share of them
            that are worse.
    """

    rect: Rect
    pose: Pose
    occlusion: Occlusion
    visible: float
    distance_to_centre: float
    size: float
    brightness: float
    sharpness: float
    mouth_open: float
    eyes_open: float
    integrity: float
    eye_distance: float
    overall: float


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The quality of every face of a photo.

    Attributes:
        found: the faces, largest first, then left to right.
        faces: their quality, in the same order.
        image: the photo, turned upright: the one that all coordinates speak of.
        landmarks: of the faces, in the same order.
    """

    found: FoundFaces
    faces: tuple[FaceQuality, ...]
    image: Image
    landmarks: tuple[Landmarks, ...]
