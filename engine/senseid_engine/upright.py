"""Sideways and upside-down photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp
from senseid_engine.image import rotate

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.arrays import Pixels
    from senseid_engine.detect import Detector
    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.landmarks import Landmarker

MOST_ROLL: Final = 45.0
"""A face turned further than this from level stands upright in one of the other three positions."""

CERTAINLY_UPRIGHT: Final = 0.92
"""The detector's score from which on a face is upright: of LFW's faces 96 in 100 reach it, and 1 in 1,000 when they are
turned upside down."""

SURE: Final = 0.8
"""The confidence that a face must reach in another position to stand upright there ..."""

AHEAD: Final = 0.02
"""... and by how much that must exceed its confidence as it is."""

CROP: Final = 1.6
"""Side of the square that is turned, over the longer side of the face's box."""

SIDE: Final = 160
"""Side of the same, pixels."""


def turn_upright(image: Image, find: Callable[[Image], list[Face]]) -> tuple[Image, int, list[Face]]:
    """Turn the photo so that its faces are upright.

    All four positions are searched: an upside-down face is often found, and taken for an upright one. The position
    whose upright faces have the greatest sum of probabilities wins, and the photo's own position wins a tie.

    Args:
        image: the photo as decoded.
        find: returns the faces of a photo in one position.

    Returns:
        The turned photo, by how many quarter turns anticlockwise, and its faces.
    """
    positions = []
    for turns in range(4):
        turned = rotate(image, turns)
        positions.append((turned, turns, find(turned)))
    return max(positions, key=lambda position: (_confidence(position[2]), -position[1]))


def is_upright(pixels: Pixels, face: Face, detector: Detector, landmarker: Landmarker) -> bool:
    """Whether a face of a photo is upright, and not a sideways or upside-down one that the detector took for that.

    Where the detector is not quite sure of it, the face is cut out and looked for in the other three positions.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: a face of that photo.
        detector: finds it again.
        landmarker: confirms it.
    """
    if face.score >= CERTAINLY_UPRIGHT:
        return True
    centre = (face.box[0:2] + face.box[2:4]) / 2
    side = CROP * float((face.box[2:4] - face.box[0:2]).max())
    crop = warp.warp(pixels, warp.square_crop(centre, side, 0.0, SIDE), SIDE)
    least = max(SURE, face.score * face.landmarks.presence + AHEAD)
    for turns in (1, 2, 3):
        turned = np.ascontiguousarray(np.rot90(crop, turns))
        found = [detection for detection in detector.detect(turned) if detection.score >= least]
        meshes = landmarker.locate(turned, found)
        if any(d.score * mesh.presence >= least for d, mesh in zip(found, meshes, strict=True)):
            return False
    return True


def _confidence(faces: list[Face]) -> float:
    return sum(face.score * face.landmarks.presence for face in faces if abs(face.roll) <= MOST_ROLL)
