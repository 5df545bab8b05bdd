"""Is each view of a face a blend of the views just before and after it?

In a slide show, photos of one person are faded into each other: while one fades each frame is a weighted sum of two
photos, as in a dissolve between two shots (Lienhart, "Reliable transition detection in videos", 2001), and in between
nothing changes. A living face changes by moving, which no sum of two views is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.homography import fit_homography, without_noise
from senseid_engine.liveness.temporal.pairs import MAX_PAIRS, MIN_PAIRS, evenly
from senseid_engine.liveness.temporal.texture import without_illumination

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Pixels

_MIN_CONTRAST: Final = 1.0
"""Squared grey levels, added to the contrast of a view: one without texture has none of its own."""

_MIN_CHANGE: Final = 0.01
"""The least change of the texture that is divided by: where hardly anything changes, nothing fades."""


def blend_residual(views: Sequence[Pixels], mask: Callable[[int, int], Pixels], change: float) -> float | None:
    """How far views depart from blends of their neighbours, for how much the texture of the face changes.

    Both neighbours are moved onto a view by homographies, and their best sum is subtracted from it. What is left, as a
    share of the contrast, is `sqrt(mean(left^2) / (mean(view^2) + 1))`, of views without noise and without slow changes
    of light. The answer is its median over views, divided by the change: where little changes, little is left either.

    Args:
        views: uint8 (height, width) each, grey, of one shape, about 0.1 s apart: the face, roughly aligned.
        mask: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.
        change: what `texture_change` says of them.

    Returns:
        0 where each is a blend; None where too few can be compared with their neighbours.
    """
    middles = [1 + i for i in evenly(len(views) - 2, MAX_PAIRS)]
    found = [_left(views, i, np.bitwise_and(mask(i, i - 1), mask(i, i + 1))) for i in middles]
    left = [value for value in found if value is not None]
    return float(np.median(left)) / max(change, _MIN_CHANGE) if len(left) >= MIN_PAIRS else None


def _left(views: Sequence[Pixels], middle: int, mask: Pixels) -> float | None:
    """What is left of a view without the best blend of its neighbours, as a share of its contrast."""
    view = without_noise(views[middle])
    before, after = (_onto(view, without_noise(views[i]), mask) for i in (middle - 1, middle + 1))
    if before is None or after is None:
        return None
    inside = mask > 0
    texture = without_illumination(view)[inside]
    neighbours = np.stack([without_illumination(other)[inside] for other in (before, after)], axis=1)
    left = texture - neighbours @ np.linalg.lstsq(neighbours, texture, rcond=None)[0]
    return float(np.sqrt(np.square(left).mean() / (np.square(texture).mean() + _MIN_CONTRAST)))


def _onto(view: Pixels, other: Pixels, mask: Pixels) -> Pixels | None:
    """Another view, moved onto this one."""
    import cv2

    fit = fit_homography(view, other, mask)
    if fit is None:
        return None
    size = (view.shape[1], view.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpPerspective(other, fit.homography, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
