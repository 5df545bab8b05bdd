"""By how much the texture of a face differs between two views, once its movement and the light are undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from senseid_engine.arrays import Floats, Pixels

CELL: Final = 8
"""Side of the cells into which a view is divided, in pixels; the sides of a view are multiples of it."""

_MIN_CELLS: Final = 6
"""The fewest cells that tell something of a face."""

MIN_MOVEMENT: Final = 0.2
"""Pixels, added to the movement where it is divided by: errors of the optical flow grow with the movement."""

# Standard deviations of blurs, in pixels: of the views, against sensor noise; of what is subtracted as illumination;
# and of what two views differ by, so that single pixels do not count.
_NOISE_BLUR: Final = 0.7
_ILLUMINATION_BLUR: Final = 6.0
_DIFFERENCE_BLUR: Final = 1.0

_MIN_AREA: Final = 500
"""Pixels of the face that a pair must show."""
_HALF: Final = 0.5
"""The share of a cell that must be inside."""

_MIN_CONTRAST: Final = 1.0
"""Squared grey levels."""
_SHARED_CONTRAST: Final = 0.1
"""The share of the mean contrast that is added to that of each cell: one without texture has none of its own."""

_MOVEMENT_PERCENTILE: Final = 90.0


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much two views differ.

    Attributes:
        squares: float32, of each cell: the mean square of what they differ by, in squared grey levels; NaN where less
            than half of the cell is inside.
        contrast: the same of the texture of the first view.
        movement: the 90th percentile of what dense optical flow (Kroeger et al., "Fast Optical Flow using Dense Inverse
            Search", 2016) departs from an affine map by, in pixels.
    """

    squares: Floats
    contrast: Floats
    movement: float


Compare: TypeAlias = Callable[[int, int], Difference | None]
"""Compares two views by their numbers; None where they show too little of a face."""


def comparer(views: Sequence[Pixels], mask: Callable[[int, int], Pixels]) -> Compare:
    """Compare views with each other, no two of them twice.

    Args:
        views: uint8 (height, width) each, grey, of one shape, multiples of `CELL`: the face, roughly aligned.
        mask: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.
    """
    import cv2

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    @cache
    def smooth(number: int) -> Pixels:
        return _smooth(views[number])

    @cache
    def detail(number: int) -> Floats:
        return without_illumination(smooth(number))

    @cache
    def compare(first: int, second: int) -> Difference | None:
        inside = mask(first, second) > 0
        if np.count_nonzero(inside) < _MIN_AREA:
            return None
        movement = flow.calc(smooth(first), smooth(second), np.zeros((*inside.shape, 2), np.float32))
        return _difference(detail(first), smooth(second), np.asarray(movement, np.float32), inside)

    return compare


def relative(squares: Floats, contrast: Floats) -> float | None:
    """The median over cells of a mean square over the contrast, as a root: a share of the contrast.

    Args:
        squares: float32, of each cell, squared grey levels; NaN where it is not known.
        contrast: float32, of the same cells; known where the squares are.

    Returns:
        None where too few cells are known.
    """
    seen = np.isfinite(squares)
    if np.count_nonzero(seen) < _MIN_CELLS:
        return None
    least = _SHARED_CONTRAST * max(float(contrast[seen].mean()), _MIN_CONTRAST)
    return float(np.median(np.sqrt(squares[seen] / (contrast[seen] + least))))


def without_illumination(view: Pixels) -> Floats:
    """A view without slow changes of light: float32 of its shape, grey levels, about 0 on the average."""
    import cv2

    fine = view.astype(np.float32)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _ILLUMINATION_BLUR), np.float32)


def _difference(detail: Floats, second: Pixels, movement: Floats, inside: npt.NDArray[np.bool_]) -> Difference:
    """The difference of the detail of one view and a second one, which the optical flow takes to the first."""
    import cv2

    rows, columns = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]].astype(np.float32)
    at = (columns + movement[..., 0], rows + movement[..., 1])
    back = cv2.remap(second, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    late = without_illumination(np.asarray(back, np.uint8))
    counts = _sums(inside.astype(np.float32))
    left = detail - _gain(detail, late, inside, counts) * late
    places = np.stack([columns[inside], rows[inside], np.ones_like(rows[inside])], axis=1)
    affine = np.linalg.lstsq(places, movement[inside], rcond=None)[0]
    departs = np.linalg.norm(movement[inside] - places @ affine, axis=1)
    return Difference(
        squares=_mean_square(_without_noise(left), inside, counts),
        contrast=_mean_square(_without_noise(detail), inside, counts),
        movement=float(np.percentile(departs, _MOVEMENT_PERCENTILE)),
    )


def _smooth(view: Pixels) -> Pixels:
    """A view without sensor noise."""
    import cv2

    return np.asarray(cv2.GaussianBlur(view, (0, 0), _NOISE_BLUR), np.uint8)


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
