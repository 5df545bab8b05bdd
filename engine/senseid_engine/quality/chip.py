"""The face as brightness, contrast and sharpness see it: grey, upright, always equally large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine import warp
from senseid_engine.quality.occlusion import ALIGNMENT

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.features import FiveFeatures

SIDE = 128

_TEMPLATE = ALIGNMENT.template * (SIDE / ALIGNMENT.side)


@dataclass(frozen=True, slots=True)
class Chip:
    """A face, cut out.

    Attributes:
        luma: float32 (SIDE, SIDE), Rec. 601, 0..255; the eyes are a third of the side apart.
        face: bool (SIDE, SIDE), where the five features are, as far as the photo shows them.
    """

    luma: Floats
    face: npt.NDArray[np.bool_]


def cut(pixels: Pixels, landmarks: Landmarks, features: FiveFeatures) -> Chip:
    """Cut the face out of its photo.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        landmarks: of the face.
        features: of the face.
    """
    import cv2

    points = landmarks.points[list(ALIGNMENT.mesh_points), :2]
    matrix = warp.similarity(points, _TEMPLATE)
    luma = cv2.cvtColor(warp.warp(pixels, matrix, SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = np.zeros((SIDE, SIDE), np.uint8)
    if len(features.visible):
        cv2.fillConvexPoly(inside, np.round(warp.apply(matrix, features.visible)).astype(np.int32), 1)
    return Chip(luma, inside > 0)


def brightness(chip: Chip) -> float:
    """The manual's `brightness`, in [-1, 1]: the mean luma of the five features, from black to white.

    `2 * mean / 255 - 1`. It is what the photo shows, light and skin together: what is dark on one face is not on
    another, so a policy should refuse the extremes only. 0 where nothing of the features lies inside the photo.
    """
    return 2 * float(chip.luma[chip.face].mean()) / 255 - 1 if chip.face.any() else 0.0


def contrast(chip: Chip) -> float:
    """Standard deviation of the luma of the five features, from 0 to 1 for half black, half white.

    0 where nothing of the features lies inside the photo.
    """
    return float(chip.luma[chip.face].std()) / 127.5 if chip.face.any() else 0.0
