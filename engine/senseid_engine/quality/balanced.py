"""Landmarks that a photo and its mirror image agree upon."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.landmarks import Landmarks
from senseid_engine.quality.odds import logit

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Doubles


def counterparts(face: Doubles) -> npt.NDArray[np.intp]:
    """The point of the mesh that each point becomes in a mirror: int (n,).

    Args:
        face: float64 (n, 3), a face that is its own mirror image, looking straight ahead.
    """
    across = np.linalg.norm(face[:, None] - face * (-1, 1, 1), axis=2)
    found: npt.NDArray[np.intp] = across.argmin(axis=1)
    return found


def balanced(landmarks: Landmarks, points: npt.NDArray[np.intp]) -> Landmarks:
    """The mean of what the network told of a face and of its mirror image, between which it differs by degrees of yaw.

    Args:
        landmarks: of a face.
        points: see `counterparts`.

    Returns:
        The same landmarks where the network was not asked about the mirror image.
    """
    mirrored = landmarks.mirrored
    if mirrored is None:
        return landmarks
    mean = (logit(landmarks.presence) + logit(mirrored.presence)) / 2
    return Landmarks(
        points=(landmarks.points + mirrored.points[points]) / np.float32(2),
        presence=1 / (1 + math.exp(-mean)),
        five=landmarks.five,
    )
