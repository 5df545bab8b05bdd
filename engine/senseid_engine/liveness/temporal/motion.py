"""How much a face moves within itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.plane import departure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Pixels

LAGS: Final = (1.0, 0.5, 0.2)
"""Seconds between the views that are compared: the longest at which enough pairs can be followed."""

MOST_PAIRS: Final = 16
LEAST_PAIRS: Final = 4
_TOLERANCE: Final = 0.3
"""How far a pair may be from its lag, as a share of it."""
_SHARE: Final = 80.0
SETTLED: Final = 0.5
"""Pixels from which on a face has moved enough within itself; one that has not, is looked at for longer."""

_PATIENCE: Final = 0.4
_LEAST_PATIENCE: Final = 1.5
_MOST_PATIENCE: Final = 8.0


def non_rigid(times: Sequence[float], views: Sequence[Pixels], area: Callable[[int, int], Pixels]) -> float | None:
    """How far a face departs from a moving plane, in pixels of the views: the 80th percentile over pairs of views.

    The lag is long: within a second a living face nearly always does something, and what the codec does stays the same.
    Of a face that does less than `SETTLED` views further apart are compared too, and the greater answer counts.

    Args:
        times: seconds of each view, rising.
        views: uint8 (height, width) each, grey, of one shape: the face, roughly aligned.
        area: gives, of two views by their numbers, uint8 of their shape: not 0 where the first shows the face, and both
            the picture.

    Returns:
        None where too few pairs can be compared.
    """
    moves = None
    for lag in LAGS:
        moves = _departure(times, views, area, lag)
        if moves is not None:
            break
    if moves is None or moves >= SETTLED:
        return moves
    later = [_departure(times, views, area, lag) for lag in patient_lags(times)]
    return max([moves, *(value for value in later if value is not None)])


def _departure(
    times: Sequence[float], views: Sequence[Pixels], area: Callable[[int, int], Pixels], lag: float
) -> float | None:
    found = [departure(views[i], views[j], area(i, j)) for i, j in pairs_apart(times, lag)]
    departures = [value for value in found if value is not None]
    return float(np.percentile(departures, _SHARE)) if len(departures) >= LEAST_PAIRS else None


def patient_lags(times: Sequence[float]) -> list[float]:
    """Seconds between views of a face that does little, falling from eight at most; none where the clip is too short.

    Args:
        times: seconds of each view, rising.
    """
    lags = []
    lag = min(_PATIENCE * (times[-1] - times[0]), _MOST_PATIENCE)
    while lag >= _LEAST_PATIENCE:
        lags.append(lag)
        lag /= 2
    return lags


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
