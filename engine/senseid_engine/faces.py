"""Finding the faces of a photo: detection, landmarks, a check that it is a face, and a stable order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.detect import Detector
    from senseid_engine.landmarks import Landmarker, Landmarks

# The face mesh says for every crop whether it holds a face: what MTCNN takes for one seldom convinces both.
LEAST_PRESENCE = 0.5


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo.

    Attributes:
        rect: where it is, inside the photo.
        box: float32 (4,), left, top, right, bottom as detected; may reach outside the photo.
        size: area of the detected box in pixels, times the cube of the share of it that lies inside the photo.
        score: the detector's probability of a face, in [0, 1].
        landmarks: its 468 points.
    """

    rect: Rect
    box: Floats
    size: float
    score: float
    landmarks: Landmarks

    @property
    def roll(self) -> float:
        """How far the line through the eyes is turned from level, degrees in (-180, 180], positive clockwise."""
        points = self.landmarks.points
        across = points[list(RIGHT_EYE), :2].mean(axis=0) - points[list(LEFT_EYE), :2].mean(axis=0)
        return math.degrees(math.atan2(float(across[1]), float(across[0])))


def find_faces(pixels: Pixels, detector: Detector, landmarker: Landmarker) -> list[Face]:
    """Find the faces of a photo, largest first, then left to right.

    A face that the edge of the photo cuts counts for less than what is left of it: by the detector's box alone, which
    reaches outside the photo, half a head at the edge would pass for the largest face.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        detector: finds the boxes.
        landmarker: finds the points and confirms the face.
    """
    height, width = pixels.shape[:2]
    detections = detector.detect(pixels)
    located = landmarker.locate(pixels, detections)
    faces = [
        face_of(detection.box, detection.score, landmarks, width, height)
        for detection, landmarks in zip(detections, located, strict=True)
        if landmarks.presence >= LEAST_PRESENCE
    ]
    return sorted(faces, key=lambda face: (-face.size, face.rect.left, face.rect.top))


def face_of(box: Floats, score: float, landmarks: Landmarks, width: int, height: int) -> Face:
    """A face of a photo of that size.

    Args:
        box: float32 (4,), left, top, right, bottom as detected; may reach outside the photo.
        score: the detector's probability of a face, in [0, 1].
        landmarks: its points.
        width: of the photo, pixels.
        height: of the photo, pixels.
    """
    left, top, right, bottom = (float(side) for side in box)
    rect = Rect(
        left=min(max(round(left), 0), width - 1),
        top=min(max(round(top), 0), height - 1),
        right=max(min(round(right), width), 1),
        bottom=max(min(round(bottom), height), 1),
    )
    visible = max(rect.right - rect.left, 0) * max(rect.bottom - rect.top, 0)
    whole = max((right - left) * (bottom - top), 1.0)
    size = whole * min(visible / whole, 1.0) ** 3
    return Face(rect, box, size, score, landmarks)
