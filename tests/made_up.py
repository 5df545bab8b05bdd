"""Values that several tests make up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_engine.landmarks import Landmarks, five_points
from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.pose import Pose
from senseid_engine.quality.results import FaceQuality
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats

GOOD_FACE = FaceQuality(
    rect=Rect(40, 20, 120, 130),
    pose=Pose(2.0, -3.0, 1.0),
    occlusion=Occlusion(0.98, 0.97, 0.99, 0.96),
    visible=0.97,
    distance_to_centre=0.9,
    size=0.2,
    brightness=0.1,
    sharpness=0.8,
    mouth_open=0.98,
    eyes_open=0.9,
    integrity=1.0,
    eye_distance=80.0,
    overall=0.8,
)
"""A face that any policy passes."""


def landmarks_of(points: Floats, presence: float = 1.0) -> Landmarks:
    """The landmarks of a face whose mirror image has its five points at the same places.

    Args:
        points: float32 (468, 3), x, y and z.
        presence: probability of a face.
    """
    return Landmarks(points, presence, five_points(points))
