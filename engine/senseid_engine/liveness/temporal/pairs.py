"""Which views of a face are compared with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_PAIRS: Final = 16
MIN_PAIRS: Final = 4
TOLERANCE: Final = 0.3
"""How far the views of a pair may be from their lag, as a share of it."""

_LONG_LAG: Final = 0.4
"""The longest lag, as a share of the clip: with it two fifths of the views still have a partner."""
_MIN_LONG_LAG: Final = 1.5
_MAX_LONG_LAG: Final = 8.0


def evenly(count: int, most: int) -> list[int]:
    """At most so many of `count` numbers from 0 on, evenly spread from the first to the last."""
    if count <= most:
        return list(range(count))
    return [int(number) for number in np.linspace(0, count - 1, most).round()]


def pairs_apart(times: Sequence[float], lag: float, *, tolerance: float = TOLERANCE) -> list[tuple[int, int]]:
    """At most `MAX_PAIRS` pairs of views about `lag` seconds apart, evenly spread.

    Args:
        times: seconds of each view, rising.
        lag: seconds between the two of a pair.
        tolerance: how far a pair may be from its lag, as a share of it.
    """
    moments = np.asarray(times, np.float64)
    partners = np.abs(moments[None, :] - (moments[:, None] + lag)).argmin(axis=1)
    fits = (np.abs(moments[partners] - moments - lag) <= tolerance * lag) & (partners != np.arange(len(moments)))
    pairs = [(int(i), int(partners[i])) for i in np.flatnonzero(fits)]
    return [pairs[i] for i in evenly(len(pairs), MAX_PAIRS)]


def successive_pairs(times: Sequence[float], lag: float, *, tolerance: float = TOLERANCE) -> list[tuple[int, int]]:
    """All pairs of views about `lag` seconds apart of which none begins before the last one ends.

    Args:
        times: seconds of each view, rising.
        lag: seconds between the two of a pair.
        tolerance: how far a pair may be from its lag, as a share of it.
    """
    moments, pairs, first = np.asarray(times, np.float64), [], 0
    while first < len(moments) - 1:
        second = int(np.abs(moments - moments[first] - lag).argmin())
        fits = second > first and abs(moments[second] - moments[first] - lag) <= tolerance * lag
        if fits:
            pairs.append((first, second))
        first = second if fits else first + 1
    return pairs


def long_lags(times: Sequence[float]) -> list[float]:
    """Lags in seconds for a face that does little within one, falling from eight at most; none for a short clip.

    Args:
        times: seconds of each view, rising.
    """
    lags = []
    lag = min(_LONG_LAG * (times[-1] - times[0]), _MAX_LONG_LAG)
    while lag >= _MIN_LONG_LAG:
        lags.append(lag)
        lag /= 2
    return lags
