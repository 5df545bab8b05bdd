"""Does one view of a face follow from another as a plane would?

A photo that is held, turned or shown on a screen moves as a plane: two views of it differ by a homography (Hartley and
Zisserman, "Multiple View Geometry in Computer Vision", 2004, chapter 13). A living face does not: it speaks, blinks,
breathes and is deep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels

_GRAIN: Final = 1.0
"""Standard deviation of the blur that takes the grain out of the views, in pixels."""
_POINTS: Final = 120
_LEAST_POINTS: Final = 15
_LEAST_CORNER: Final = 0.005
_APART: Final = 4.0
_WINDOW: Final = (13, 13)
_LEVELS: Final = 3
_MOST_BACK: Final = 0.7
"""How far from its start a point may come out, in pixels, when it is followed there and back."""
_NEAR: Final = 20.0
"""Points so near each other, in pixels, are looked at together: a quarter of a face."""
_SHARE: Final = 90.0


def departure(first: Pixels, second: Pixels, area: Pixels) -> float | None:
    """How far the second view departs from a homography of the first, in pixels.

    Corners inside the area are followed from the first view to the second (Lucas-Kanade, there and back), and a
    homography is fitted to them by the least median of squares. What it leaves is averaged about each point, since the
    noise of a camera moves single points, and a face those near each other. The answer is the 90th percentile of that.

    Args:
        first: uint8 (height, width), grey: a face.
        second: uint8 of the same shape: the same face at another time.
        area: uint8 of the same shape: not 0 where corners are looked for.

    Returns:
        None where too few points can be followed: too blurred, too dark, or changed beyond recognition.
    """
    import cv2

    first, second = (np.asarray(cv2.GaussianBlur(view, (0, 0), _GRAIN), np.uint8) for view in (first, second))
    start = cv2.goodFeaturesToTrack(first, _POINTS, _LEAST_CORNER, _APART, mask=area)
    if start is None or len(start) < _LEAST_POINTS:
        return None
    # What is handed in as the end is written over, not started from.
    end, there, _ = cv2.calcOpticalFlowPyrLK(first, second, start, start.copy(), winSize=_WINDOW, maxLevel=_LEVELS)
    back, here, _ = cv2.calcOpticalFlowPyrLK(second, first, end, end.copy(), winSize=_WINDOW, maxLevel=_LEVELS)
    followed = (there[:, 0] > 0) & (here[:, 0] > 0) & (np.linalg.norm((back - start)[:, 0], axis=1) < _MOST_BACK)
    if int(followed.sum()) < _LEAST_POINTS:
        return None
    start, end = start[followed], end[followed]
    homography, _ = cv2.findHomography(start, end, cv2.LMEDS)
    if homography is None:
        return None
    left = (cv2.perspectiveTransform(start, homography) - end)[:, 0]
    near = np.linalg.norm(start - start.transpose(1, 0, 2), axis=2) <= _NEAR
    shared = near @ left / near.sum(axis=1, keepdims=True)
    return float(np.percentile(np.linalg.norm(shared, axis=1), _SHARE))
