"""Evidence from the landmarks: depth that shows when the head turns, eyes that close, a mouth that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from senseid_engine.arrays import Doubles, Floats

# Points of the mesh: upper lid, lower lid and the corners of each eye; lips and corners of the mouth.
_EYES: Final = ((159, 145, 33, 133), (386, 374, 362, 263))
_MOUTH: Final = (13, 14, 61, 291)
_LEAST: Final = 5


def off_plane(meshes: Floats) -> float | None:
    """How far the landmarks depart from a plane that moves, as a share of the face's height.

    Each mesh is brought to the median mesh by the homography that fits best, and what is left is averaged over three
    frames, because the landmarks of each frame have an error of their own.

    Args:
        meshes: float32 (frames, 468, 2), x and y in one unit.

    Returns:
        The root mean square over landmarks and frames; None for fewer than five frames.
    """
    if len(meshes) < _LEAST:
        return None
    import cv2

    middle = np.median(meshes, axis=0)
    height = float(np.ptp(middle[:, 1]))
    left = np.empty(meshes.shape, np.float64)
    for i, mesh in enumerate(meshes):
        homography, _ = cv2.findHomography(mesh, middle, 0)
        left[i] = cv2.perspectiveTransform(mesh[None], homography)[0] - middle
    smooth = (left[:-2] + left[1:-1] + left[2:]) / 3
    return float(np.sqrt((smooth**2).sum(axis=2).mean())) / height


def blink(meshes: Floats) -> float:
    """How far the eyes close at most, from 0 for not at all to 1: the least opening against the median one.

    The opening is the distance of the lids over that of the corners (Soukupova and Cech, "Real-Time Eye Blink Detection
    using Facial Landmarks", 2016), the mean of both eyes. Arguments as `off_plane`, at least one frame.
    """
    opening = np.mean([_opening(meshes, eye) for eye in _EYES], axis=0)
    return float(np.clip(1 - opening.min() / max(float(np.median(opening)), 1e-6), 0, 1))


def mouth(meshes: Floats) -> float:
    """How much the mouth opens and closes: the range of the distance of the lips over that of the corners.

    The range is from the 2nd to the 98th percentile. Arguments as `off_plane`, at least one frame.
    """
    low, high = np.percentile(_opening(meshes, _MOUTH), (2, 98))
    return float(high - low)


def _opening(meshes: Floats, points: tuple[int, int, int, int]) -> Doubles:
    upper, lower, one, other = (meshes[:, point].astype(np.float64) for point in points)
    opening: npt.NDArray[np.float64] = np.linalg.norm(upper - lower, axis=1) / np.maximum(
        np.linalg.norm(one - other, axis=1), 1e-6
    )
    return opening
