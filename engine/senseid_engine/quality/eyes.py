"""The eyes: how far apart and how far open. From the landmarks, in space: a turned head has the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from senseid_engine.landmarks import Landmarks

# The middle of the upper and of the lower lid of each eye.
UPPER_LIDS = (159, 386)
LOWER_LIDS = (145, 374)


def eye_distance(landmarks: Landmarks) -> float:
    """From the centre of one eye to that of the other, pixels: how much detail a face can have."""
    points = landmarks.points
    across = points[list(RIGHT_EYE)].mean(axis=0) - points[list(LEFT_EYE)].mean(axis=0)
    return float(np.linalg.norm(across))


def eyes_open(landmarks: Landmarks) -> float:
    """Mean distance between the lids, in units of the distance of the eyes; about 0.13 for open eyes."""
    points = landmarks.points
    gaps = np.linalg.norm(points[list(UPPER_LIDS)] - points[list(LOWER_LIDS)], axis=1)
    return float(gaps.mean()) / eye_distance(landmarks)
