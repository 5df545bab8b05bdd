"""Does the texture of a face change with time, beyond its movement?

The frames of an animated photo show one texture, warped: once the movement is undone, two of them differ by little more
a second apart than a fifth of a second apart, however much they move. A living face changes: light and shade follow its
movement, folds come and go, all over the face. What appears in one place only, such as a mouth that is painted in, or a
seam where the warp tears, does not count. Generated heads that are driven by one photo often keep its texture too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.pairs import MIN_PAIRS, long_lags, pairs_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from senseid_engine.arrays import Floats, Pixels

LONG: Final = 1.0
"""Seconds within which a living face does change."""

SHORT: Final = (0.2, 0.1)
"""Seconds within which a texture changes little: what differs is noise, coding, and how well movement is undone.

Within 0.1 s a codec repeats its own errors where a face hardly moves, so 0.2 s count; but faces of vivid people do
change within 0.2 s, so at most `_MAX_GROWTH` times what differs within 0.1 s.
"""
_MAX_GROWTH: Final = 1.5

SETTLED: Final = 0.08
"""The answer that ends the search: a face that reaches it within `LONG` is not looked at for longer."""

CELL: Final = 8
"""Side of the cells into which a view is divided, in pixels; the sides of a view are multiples of it."""

_TOLERANCE: Final = 0.5
"""How far the views of a pair may be from their lag, as a share of it: 0.1 s is one frame at ten a second."""

# Standard deviations of blurs, in pixels: of the views, against sensor noise; of what is subtracted as illumination;
# and of what two views differ by, so that single pixels do not count.
_NOISE_BLUR: Final = 0.7
_ILLUMINATION_BLUR: Final = 6.0
_DIFFERENCE_BLUR: Final = 1.0

_MIN_AREA: Final = 500
"""Pixels of the face that a pair must show."""
_MIN_CELLS: Final = 6
_HALF: Final = 0.5
"""The share of a cell that must be inside, and of the pairs that must show it."""

_MIN_CONTRAST: Final = 1.0
"""Squared grey levels."""
_SHARED_CONTRAST: Final = 0.1
"""The share of the mean contrast that is added to that of each cell: one without texture has none of its own."""

# The measure divides by (0.2 + movement)^0.8: errors of the optical flow grow with the movement, a little less than in
# proportion. Chosen by hand on warped photos.
_MIN_MOVEMENT: Final = 0.2
_BY_MOVEMENT: Final = 0.8
_MOVEMENT_PERCENTILE: Final = 90.0


def texture_change(times: Sequence[float], views: Sequence[Pixels], mask: Callable[[int, int], Pixels]) -> float | None:
    """Tell how much the texture of a face changes, for how much the face moves.

    The mean square of what two views differ by, movement and a change of the light undone, is `late` for `LONG` and
    `soon` for `SHORT`; what is more, over the contrast of the texture and a power of the movement, is the answer:
    `sqrt((late - soon) / contrast) / (0.2 + movement)^0.8`, the median over the cells of the face. Movement is the 90th
    percentile of what dense optical flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", 2016) departs
    from an affine map by, in pixels.

    People who stand still change less within a second than within eight; the texture of a photo never does. Where
    `SETTLED` is not reached after `LONG`, views further apart are compared too, and the greater answer counts.

    Args:
        times: seconds of each view, rising.
        views: uint8 (height, width) each, grey, of one shape, multiples of `CELL`: the face, roughly aligned.
        mask: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.

    Returns:
        0 where nothing changes; None where too few pairs are that far apart, or show too little of a face.
    """

    @cache
    def smooth(number: int) -> Pixels:
        return _smooth(views[number])

    @cache
    def detail(number: int) -> Floats:
        return without_illumination(smooth(number))

    def change(lag: float) -> _Change | None:
        pairs = pairs_apart(times, lag, tolerance=_TOLERANCE)
        return _change([(smooth(i), smooth(j), detail(i), mask(i, j) > 0) for i, j in pairs])

    (soon, sooner), late = map(change, SHORT), change(LONG)
    if soon is None or late is None:
        return None
    noise = soon.differing
    if sooner is not None:
        noise = np.clip(noise, sooner.differing, _MAX_GROWTH * sooner.differing)
    grown = _grown(noise, late)
    if grown is not None and grown >= SETTLED:
        return grown
    later = [_grown(noise, found) for found in map(change, long_lags(times)) if found is not None]
    return max((value for value in (grown, *later) if value is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Change:
    """By how much views differ, each the median over pairs.

    Attributes:
        differing: mean square of each cell, squared grey levels; NaN where few pairs show it.
        contrast: the same of the texture itself, of the first view.
        movement: pixels.
    """

    differing: Floats
    contrast: Floats
    movement: float


def _change(pairs: Sequence[tuple[Pixels, Pixels, Floats, npt.NDArray[np.bool_]]]) -> _Change | None:
    """The change between pairs of views: both without noise, the detail of the first, and where both show the face."""
    import cv2

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    differing, contrast, movements = [], [], []
    for first, second, detail, inside in pairs:
        if np.count_nonzero(inside) < _MIN_AREA:
            continue
        movement = flow.calc(first, second, np.zeros((*inside.shape, 2), np.float32))
        rows, columns = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]].astype(np.float32)
        at = (columns + movement[..., 0], rows + movement[..., 1])
        back = cv2.remap(second, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        late = without_illumination(np.asarray(back, np.uint8))
        counts = _sums(inside.astype(np.float32))
        left = detail - _gain(detail, late, inside, counts) * late
        differing.append(_mean_square(_without_noise(left), inside, counts))
        contrast.append(_mean_square(_without_noise(detail), inside, counts))
        places = np.stack([columns[inside], rows[inside], np.ones_like(rows[inside])], axis=1)
        affine = np.linalg.lstsq(places, movement[inside], rcond=None)[0]
        departs = np.linalg.norm(movement[inside] - places @ affine, axis=1)
        movements.append(float(np.percentile(departs, _MOVEMENT_PERCENTILE)))
    if len(movements) < MIN_PAIRS:
        return None
    return _Change(_medians(differing), _medians(contrast), float(np.median(movements)))


def _grown(noise: Floats, late: _Change) -> float | None:
    seen = np.isfinite(noise) & np.isfinite(late.differing)
    if np.count_nonzero(seen) < _MIN_CELLS:
        return None
    contrast = late.contrast[seen]
    least = _SHARED_CONTRAST * max(float(contrast.mean()), _MIN_CONTRAST)
    grown = np.sqrt(np.maximum(late.differing[seen] - noise[seen], 0) / (contrast + least))
    return float(np.median(grown)) / math.pow(_MIN_MOVEMENT + late.movement, _BY_MOVEMENT)


def _smooth(view: Pixels) -> Pixels:
    """A view without sensor noise."""
    import cv2

    return np.asarray(cv2.GaussianBlur(view, (0, 0), _NOISE_BLUR), np.uint8)


def without_illumination(view: Pixels) -> Floats:
    """A view without slow changes of light: float32 of its shape, grey levels, about 0 on the average."""
    import cv2

    fine = view.astype(np.float32)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _ILLUMINATION_BLUR), np.float32)


def _without_noise(detail: Floats) -> Floats:
    """Detail, without what only single pixels show."""
    import cv2

    return np.asarray(cv2.GaussianBlur(detail, (0, 0), _DIFFERENCE_BLUR), np.float32)


def _gain(first: Floats, second: Floats, inside: npt.NDArray[np.bool_], counts: Floats) -> float:
    """The factor by which the contrast is smaller in the second: the light, or the camera's exposure, has changed.

    The median over cells: what is painted in, such as the dark of a mouth, is not the light.
    """
    both, alone = (_sums(np.where(inside, product, 0)) for product in (first * second, second**2))
    told = (counts >= _HALF * CELL**2) & (alone > 1)
    return float(np.median(both[told] / alone[told])) if np.any(told) else 1.0


def _mean_square(values: Floats, inside: npt.NDArray[np.bool_], counts: Floats) -> Floats:
    """Of each cell; NaN where less than half of it is inside, by the counts of its pixels that are."""
    squares = _sums(np.where(inside, np.square(values), 0))
    return np.where(counts >= _HALF * CELL**2, squares / np.maximum(counts, 1), np.nan).astype(np.float32)


def _sums(values: Floats) -> Floats:
    """Of each cell."""
    import cv2

    height, width = values.shape
    means = cv2.resize(values, (width // CELL, height // CELL), interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32) * CELL**2


def _medians(cells: Sequence[Floats]) -> Floats:
    """Of each cell over pairs; NaN where less than half of them show it."""
    every = np.stack(cells)
    seen = np.isfinite(every).mean(axis=0) >= _HALF
    medians = np.full(seen.shape, np.nan, np.float32)
    medians[seen] = np.nanmedian(every[:, seen], axis=0)
    return medians
