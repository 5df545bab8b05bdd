"""The homography that takes one view of a face to another: how it moves if it is a plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Floats, Pixels

_NOISE_BLUR: Final = 1.0
"""Standard deviation, in pixels, of the blur that takes the sensor noise out of the views."""
_MAX_CORNERS: Final = 120
_MIN_CORNERS: Final = 15
_CORNER_QUALITY: Final = 0.005
_CORNER_DISTANCE: Final = 4.0
_WINDOW: Final = (13, 13)
_LEVELS: Final = 3
_MAX_ROUND_TRIP: Final = 0.7
"""How far from its start a corner may end, in pixels, when it is tracked there and back."""


@dataclass(frozen=True, slots=True)
class HomographyFit:
    """A homography, and the corners that it was fitted to.

    Attributes:
        start: float32 (n, 1, 2), x and y of the corners in the first view, in pixels.
        end: float32 (n, 1, 2), where they are in the second view.
        homography: float64 (3, 3), from the first view to the second.
    """

    start: Floats
    end: Floats
    homography: npt.NDArray[np.float64]


def without_noise(view: Pixels) -> Pixels:
    """A view without sensor noise: uint8, of the same shape."""
    import cv2

    return np.asarray(cv2.GaussianBlur(view, (0, 0), _NOISE_BLUR), np.uint8)


def fit_homography(first: Pixels, second: Pixels, mask: Pixels) -> HomographyFit | None:
    """Fit a homography to two views.

    Corners inside the mask are tracked from the first view to the second (Lucas-Kanade, there and back), and the
    homography is fitted to them by the least median of squares.

    Args:
        first: uint8 (height, width), grey, without noise: a face.
        second: uint8 of the same shape: the same face at another time.
        mask: uint8 of the same shape: not 0 where corners are looked for.

    Returns:
        None where too few corners can be tracked: too blurred, too dark, or changed beyond recognition.
    """
    import cv2

    start = cv2.goodFeaturesToTrack(first, _MAX_CORNERS, _CORNER_QUALITY, _CORNER_DISTANCE, mask=mask)
    if start is None or len(start) < _MIN_CORNERS:
        return None
    # OpenCV writes over the array that is handed in as the end; it does not start from it.
    end, there, _ = cv2.calcOpticalFlowPyrLK(first, second, start, start.copy(), winSize=_WINDOW, maxLevel=_LEVELS)
    back, here, _ = cv2.calcOpticalFlowPyrLK(second, first, end, end.copy(), winSize=_WINDOW, maxLevel=_LEVELS)
    tracked = (there[:, 0] > 0) & (here[:, 0] > 0) & (np.linalg.norm((back - start)[:, 0], axis=1) < _MAX_ROUND_TRIP)
    if int(tracked.sum()) < _MIN_CORNERS:
        return None
    start, end = start[tracked], end[tracked]
    homography, _ = cv2.findHomography(start, end, cv2.LMEDS)
    return None if homography is None else HomographyFit(start, end, homography)
