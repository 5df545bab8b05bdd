"""Does the texture of a face change with time, beyond its movement?

The frames of an animated photo show one texture, warped: once the movement is undone, two of them differ by little more
a second apart than a tenth of a second apart, however much they move. A living face changes: light and shade follow its
movement, teeth, tongue and whites of the eyes appear, folds come and go. Generated heads that are driven by one photo
often keep its texture too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.motion import LEAST_PAIRS, pairs_apart, patient_lags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Floats, Pixels

SHORT: Final = 0.1
"""Seconds within which a texture cannot change much: what differs is noise, coding, and how well movement is undone."""

LONG: Final = 1.0
"""Seconds within which a living face does change."""

SETTLED: Final = 0.12
"""From here on a face has changed enough; one that has not, is looked at for longer."""

_TOLERANCE: Final = 0.5
_GRAIN: Final = 0.7
_ILLUMINATION: Final = 6.0
_DETAIL: Final = 1.0
_LEAST_AREA: Final = 500
_SHARE: Final = 90.0
_LEAST_CONTRAST: Final = 1.0
_LEAST_MOVEMENT: Final = 0.2


def ageing(times: Sequence[float], views: Sequence[Pixels], area: Callable[[int, int], Pixels]) -> float | None:
    """Tell how much the texture of a face changes, for how much the face moves.

    What two views differ by, movement undone, is `late` for `LONG` and `soon` for `SHORT`; what is more, over the
    contrast of the texture and the root of the movement, is the answer: `sqrt(late^2 - soon^2) / contrast / sqrt(0.2 +
    movement)`. Movement is the 90th percentile of what dense optical flow (Kroeger et al., "Fast Optical Flow using
    Dense Inverse Search", 2016) departs from an affine map by, in pixels.

    People who stand still change less within a second than within four; the texture of a photo never does. Where
    `SETTLED` is not reached after `LONG`, views further apart are compared too, and the greater answer counts.

    Args:
        times: seconds of each view, rising.
        views: uint8 (height, width) each, grey, of one shape: the face, roughly aligned.
        area: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.

    Returns:
        0 where nothing changes; None where too few pairs are that far apart.
    """
    soon, late = (_difference(times, views, area, lag) for lag in (SHORT, LONG))
    if soon is None or late is None:
        return None
    grown = _grown(soon, late)
    if grown >= SETTLED:
        return grown
    later = [_difference(times, views, area, lag) for lag in patient_lags(times)]
    return max([grown, *(_grown(soon, found) for found in later if found is not None)])


def _grown(soon: _Difference, late: _Difference) -> float:
    grown = math.sqrt(max(late.differing**2 - soon.differing**2, 0.0))
    return grown / max(late.contrast, _LEAST_CONTRAST) / math.sqrt(_LEAST_MOVEMENT + late.movement)


@dataclass(frozen=True, slots=True)
class _Difference:
    """The difference of views: grey levels, grey levels and pixels, each the median over pairs."""

    differing: float
    contrast: float
    movement: float


def _difference(
    times: Sequence[float], views: Sequence[Pixels], area: Callable[[int, int], Pixels], lag: float
) -> _Difference | None:
    import cv2

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    found = []
    for i, j in pairs_apart(times, lag, tolerance=_TOLERANCE):
        inside = area(i, j) > 0
        if np.count_nonzero(inside) < _LEAST_AREA:
            continue
        first, second = (np.asarray(cv2.GaussianBlur(views[n], (0, 0), _GRAIN), np.uint8) for n in (i, j))
        movement = flow.calc(first, second, np.zeros((*first.shape, 2), np.float32))
        rows, columns = np.mgrid[0 : first.shape[0], 0 : first.shape[1]].astype(np.float32)
        at = (columns + movement[..., 0], rows + movement[..., 1])
        back = cv2.remap(second, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        detail = _detail(first)
        left = np.asarray(cv2.GaussianBlur(detail - _detail(np.asarray(back, np.uint8)), (0, 0), _DETAIL), np.float32)
        places = np.stack([columns[inside], rows[inside], np.ones_like(rows[inside])], axis=1)
        affine = np.linalg.lstsq(places, movement[inside], rcond=None)[0]
        departs = np.linalg.norm(movement[inside] - places @ affine, axis=1)
        found.append((_rms(left[inside]), _rms(detail[inside]), float(np.percentile(departs, _SHARE))))
    return _Difference(*np.median(found, axis=0).tolist()) if len(found) >= LEAST_PAIRS else None


def _detail(view: Pixels) -> Floats:
    """A view without slow changes of light."""
    import cv2

    fine = view.astype(np.float32)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _ILLUMINATION), np.float32)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
