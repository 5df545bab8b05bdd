"""Values that several tests make up."""

from __future__ import annotations

from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.pose import Pose
from senseid_engine.quality.results import FaceQuality
from senseid_engine.results import Rect

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
    integrity=1.0,
    eye_distance=80.0,
    overall=0.8,
)
"""A face that any policy passes."""
