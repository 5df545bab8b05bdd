"""Does a face move as a plane does?

A photo that is held, turned or shown on a screen moves as a plane: two views of it differ by a homography (Hartley and
Zisserman, "Multiple View Geometry in Computer Vision", 2004, chapter 13). A living face does not: it speaks, blinks,
breathes and has depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.homography import fit_homography, without_noise
from senseid_engine.liveness.temporal.pairs import MIN_PAIRS, long_lags, pairs_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Pixels

LAGS: Final = (1.0, 0.5, 0.2)
"""Seconds between the views that are compared: the longest at which enough pairs can be tracked."""

SETTLED: Final = 0.5
"""Residual in pixels that ends the search: a face that reaches it within a second is not looked at for longer."""

_PAIRS_PERCENTILE: Final = 80.0

_NEIGHBOURHOOD: Final = 20.0
"""Radius in pixels within which residuals are averaged: a quarter of the height of the face."""
_CORNERS_PERCENTILE: Final = 90.0


def non_rigid(times: Sequence[float], views: Sequence[Pixels], mask: Callable[[int, int], Pixels]) -> float | None:
    """How far a face departs from a moving plane, in pixels of the views: the 80th percentile over pairs of views.

    The lag is long: within a second a living face nearly always does something, and coding errors stay the same. Where
    `SETTLED` is not reached, views further apart are compared too, and the largest answer counts.

    Args:
        times: seconds of each view, rising.
        views: uint8 (height, width) each, grey, of one shape: the face, roughly aligned.
        mask: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.

    Returns:
        None where too few pairs can be compared.
    """
    found = None
    for lag in LAGS:
        found = _at_lag(times, views, mask, lag)
        if found is not None:
            break
    if found is None or found >= SETTLED:
        return found
    later = [_at_lag(times, views, mask, lag) for lag in long_lags(times)]
    return max([found, *(value for value in later if value is not None)])


def _at_lag(
    times: Sequence[float], views: Sequence[Pixels], mask: Callable[[int, int], Pixels], lag: float
) -> float | None:
    found = [homography_residual(views[i], views[j], mask(i, j)) for i, j in pairs_apart(times, lag)]
    residuals = [value for value in found if value is not None]
    return float(np.percentile(residuals, _PAIRS_PERCENTILE)) if len(residuals) >= MIN_PAIRS else None


def homography_residual(first: Pixels, second: Pixels, mask: Pixels) -> float | None:
    """How far the second view departs from a homography of the first, in pixels.

    The residuals of `fit_homography` are averaged around each corner, since noise moves single corners, and a face
    those near each other. The answer is their 90th percentile.

    Args:
        first: uint8 (height, width), grey: a face.
        second: uint8 of the same shape: the same face at another time.
        mask: uint8 of the same shape: not 0 where corners are looked for.

    Returns:
        None where too few corners can be tracked: too blurred, too dark, or changed beyond recognition.
    """
    import cv2

    fit = fit_homography(without_noise(first), without_noise(second), mask)
    if fit is None:
        return None
    residuals = (cv2.perspectiveTransform(fit.start, fit.homography) - fit.end)[:, 0]
    near = np.linalg.norm(fit.start - fit.start.transpose(1, 0, 2), axis=2) <= _NEIGHBOURHOOD
    averaged = near @ residuals / near.sum(axis=1, keepdims=True)
    return float(np.percentile(np.linalg.norm(averaged, axis=1), _CORNERS_PERCENTILE))
