"""How much a face moves within itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.plane import departure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels

LAGS: Final = (1.0, 0.5, 0.2)
"""Seconds between the views that are compared: the longest at which enough pairs can be followed."""

MOST_PAIRS: Final = 16
LEAST_PAIRS: Final = 4
_TOLERANCE: Final = 0.3
"""How far a pair may be from its lag, as a share of it."""
_SHARE: Final = 80.0


def non_rigid(times: Sequence[float], views: Sequence[Pixels], outlines: Sequence[Floats]) -> float | None:
    """How far a face departs from a moving plane, in pixels of the views: the 80th percentile over pairs of views.

    The lag is long: within a second a living face always does something, and what the codec does stays the same.

    Args:
        times: seconds of each view, rising.
        views: uint8 (height, width) each, grey, of one shape: the face, roughly aligned.
        outlines: float32 (n, 2) each: points of the face in each view.

    Returns:
        None where too few pairs can be compared.
    """
    for lag in LAGS:
        pairs = pairs_apart(times, lag)
        found = [departure(views[i], views[j], outlines[i]) for i, j in pairs]
        departures = [value for value in found if value is not None]
        if len(departures) >= LEAST_PAIRS:
            return float(np.percentile(departures, _SHARE))
    return None


def pairs_apart(times: Sequence[float], lag: float, *, tolerance: float = _TOLERANCE) -> list[tuple[int, int]]:
    """At most `MOST_PAIRS` pairs of views about `lag` seconds apart, evenly spread.

    Args:
        times: seconds of each view, rising.
        lag: seconds between the two of a pair.
        tolerance: how far a pair may be from its lag, as a share of it.
    """
    moments = np.asarray(times, np.float64)
    partners = np.abs(moments[None, :] - (moments[:, None] + lag)).argmin(axis=1)
    fits = (np.abs(moments[partners] - moments - lag) <= tolerance * lag) & (partners != np.arange(len(moments)))
    pairs = [(int(i), int(partners[i])) for i in np.flatnonzero(fits)]
    if len(pairs) <= MOST_PAIRS:
        return pairs
    return [pairs[i] for i in np.linspace(0, len(pairs) - 1, MOST_PAIRS).round().astype(int)]
