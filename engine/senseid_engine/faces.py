"""Finding the faces of a photo: detection, landmarks, a check that it is a face, and a stable order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.detect import Detection, Detector
    from senseid_engine.landmarks import Landmarker, Landmarks

LEAST_PRESENCE = 0.5
"""The mesh says for every crop whether it holds a face. Below this it found none there ..."""
CERTAIN = 0.8
"""... and the detector has to be as sure as this, for the mesh misses many a face under a mask."""
MOST_APART = 0.25
"""The mean distance of the mesh's five points from the detector's, over the side of the box, from which on the mesh has
slipped to a face beside this one. It is up to 0.24 where a head is tilted, which the detector sees less well."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo.

    Attributes:
        rect: its rectangle, inside the photo.
        box: float32 (4,), left, top, right, bottom as detected; may reach outside the photo.
        size: area of the detected box in pixels, times the cube of the share of it that lies inside the photo.
        score: the detector's probability of a face, in [0, 1].
        landmarks: its 468 points.
        points: float32 (5, 2), the centres of the eyes, the tip of the nose and the corners of the mouth, image left
            first, photo pixels: the mesh's, which are more exact, or the detector's where the mesh has slipped.
    """

    rect: Rect
    box: Floats
    size: float
    score: float
    landmarks: Landmarks
    points: Floats

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
    detections = detector.detect(pixels) or detector.detect_beyond(pixels)
    # Without a surer face, one that the mesh does not confirm is still more likely a face than not.
    return _confirmed(faces := _located(pixels, detections, landmarker)) or faces


def find_small_faces(pixels: Pixels, detector: Detector, landmarker: Landmarker) -> list[Face]:
    """Find the faces of a photo that are too small for `find_faces`, in the same order.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        detector: finds the boxes.
        landmarker: finds the points and confirms the face.
    """
    return _confirmed(_located(pixels, detector.detect_small(pixels), landmarker))


def _located(pixels: Pixels, detections: list[Detection], landmarker: Landmarker) -> list[Face]:
    height, width = pixels.shape[:2]
    faces = [
        face_of(found.box, found.score, mesh, width, height, detected=found.points)
        for found, mesh in zip(detections, landmarker.locate(pixels, detections), strict=True)
    ]
    return sorted(faces, key=lambda face: (-face.size, face.rect.left, face.rect.top))


def _confirmed(faces: list[Face]) -> list[Face]:
    return [face for face in faces if face.landmarks.presence >= LEAST_PRESENCE or face.score >= CERTAIN]


def face_of(
    box: Floats, score: float, landmarks: Landmarks, width: int, height: int, *, detected: Floats | None = None
) -> Face:
    """A face of a photo of that size.

    Args:
        box: float32 (4,), left, top, right, bottom as detected; may reach outside the photo.
        score: the detector's probability of a face, in [0, 1].
        landmarks: its points.
        width: of the photo, pixels.
        height: of the photo, pixels.
        detected: float32 (5, 2), the five points as the detector sees them; none where the mesh was followed.
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
    points = landmarks.five
    if detected is not None:
        apart = float(np.linalg.norm(points - detected, axis=1).mean()) / math.sqrt(whole)
        points = detected if apart > MOST_APART or landmarks.presence < LEAST_PRESENCE else points
    return Face(rect, box, size, score, landmarks, points)
