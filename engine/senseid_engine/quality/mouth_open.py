"""How far the mouth is open, from the landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.landmarks import Landmarks

# Points of the inner edges of the lips that face each other: in the middle and to its sides.
UPPER_LIP = (82, 13, 312)
LOWER_LIP = (87, 14, 317)
# The bridge and the base of the nose: a length of the face that no expression changes.
BRIDGE, BASE_OF_NOSE = 168, 2


def mouth_open(landmarks: Landmarks) -> float:
    """The manual's `mouth_open`, in [0, 1]: 1 for a closed mouth, 0 for one that is wide open.

    `max(1 - gap / nose, 0)`, with the distance between the lips and the length of the nose measured in space, so that
    a nod does not close a mouth.
    """
    points = landmarks.points.astype(np.float64)
    gap = np.linalg.norm(points[list(UPPER_LIP)] - points[list(LOWER_LIP)], axis=1).mean()
    nose = np.linalg.norm(points[BRIDGE] - points[BASE_OF_NOSE])
    return max(1 - float(gap / nose), 0.0)
