"""Does the texture of a face change with time, beyond its movement?

The frames of an animated photo show one texture, warped: once the movement is undone, two of them differ by little more
a second apart than a fifth of a second apart, however much they move. A living face changes: light and shade follow its
movement, folds come and go, all over the face. What appears in one place only, such as a mouth that is painted in, or a
seam where the warp tears, does not count. Generated heads that are driven by one photo often keep its texture too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.pairs import MIN_PAIRS, long_lags, pairs_apart
from senseid_engine.liveness.temporal.texture import MIN_MOVEMENT, relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats
    from senseid_engine.liveness.temporal.texture import Compare, Difference

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

_TOLERANCE: Final = 0.5
"""How far the views of a pair may be from their lag, as a share of it: 0.1 s is one frame at ten a second."""

_HALF: Final = 0.5
"""The share of the pairs that must show a cell."""

_BY_MOVEMENT: Final = 0.8
"""The power of the movement that is divided by: errors of the optical flow grow a little less than in proportion to it.
Chosen by hand on warped photos."""


def texture_change(times: Sequence[float], compare: Compare) -> float | None:
    """Tell how much the texture of a face changes, for how much the face moves.

    The mean square of what two views differ by is `late` for `LONG` and `soon` for `SHORT`; what is more, over the
    contrast of the texture and a power of the movement, is the answer:
    `sqrt((late - soon) / contrast) / (0.2 + movement)^0.8`, the median over the cells of the face.

    People who stand still change less within a second than within eight; the texture of a photo never does. Where
    `SETTLED` is not reached after `LONG`, views further apart are compared too, and the greater answer counts.

    Args:
        times: seconds of each view, rising.
        compare: compares two of them.

    Returns:
        0 where nothing changes; None where too few pairs are that far apart, or show too little of a face.
    """

    def change(lag: float) -> _Change | None:
        found = [compare(first, second) for first, second in pairs_apart(times, lag, tolerance=_TOLERANCE)]
        return _change([difference for difference in found if difference is not None])

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


def _change(differences: Sequence[Difference]) -> _Change | None:
    if len(differences) < MIN_PAIRS:
        return None
    return _Change(
        differing=_medians([difference.squares for difference in differences]),
        contrast=_medians([difference.contrast for difference in differences]),
        movement=float(np.median([difference.movement for difference in differences])),
    )


def _grown(noise: Floats, late: _Change) -> float | None:
    grown = relative(np.maximum(late.differing - noise, 0), late.contrast)
    return None if grown is None else grown / math.pow(MIN_MOVEMENT + late.movement, _BY_MOVEMENT)


def _medians(cells: Sequence[Floats]) -> Floats:
    """Of each cell over pairs; NaN where less than half of them show it."""
    every = np.stack(cells)
    seen = np.isfinite(every).mean(axis=0) >= _HALF
    medians = np.full(seen.shape, np.nan, np.float32)
    medians[seen] = np.nanmedian(every[:, seen], axis=0)
    return medians
