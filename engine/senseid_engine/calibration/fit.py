"""Fits the knots and the tail of a score curve to the similarities of pairs of different people.

The level at a knot is counted: L = -log10 of the share of pairs at or above z. The knots are the pairs at false-match
rates of 1 down to 10 pairs' worth, 8 a decade, and below the first of these the rarest low similarities.

The last knots rest on few pairs that share people. Where fewer than 1,000 pairs are above, z is smoothed over L: a
local parabola over one decade on either side, tricube weights (Cleveland, "Robust Locally Weighted Regression and
Smoothing Scatterplots", 1979). On LFW this took the error at FMR 1e-5 on other people from a factor 1.22 to 1.17 (rms).

Beyond the last knot L is a straight line in z, fitted by least squares to the last two decades. For a tail like a
normal one, where L curves upwards, that promises less than is true; for an exponential tail it is exact. A line over
one decade comes nearer on clean sets but overshoots where a few wrong labels or twins make the tail heavy: fitted to
1/10 of LFW's people, measured to 1e-4, one decade was wrong by up to a factor 3.2 at 1e-6 to the unsafe side, two
decades by 1.9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from senseid_engine.errors import CalibrationError

KNOTS_A_DECADE = 8
LEAST_PAIRS = 10
"""A knot has at least this many pairs at or above it: the rule of thumb for a rate that means something."""
LEAST_IMPOSTORS = 1000
TAIL_DECADES = 2.0

_LOW_QUANTILES = (0.001, 0.003, 0.01, 0.03, 0.1)
_SMOOTH_BELOW_PAIRS = 1000
_SMOOTH_DECADES = 1.0
# Digits in the file: more precise than the pairs allow, and few enough to keep the file readable.
_DIGITS = 6
_LEAST_STEP = 10.0**-_DIGITS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted curve.

    Attributes:
        knots: (z, L), both strictly increasing.
        tail_slope: L per unit of z beyond the last knot.
        measured_level: the L of the last knot that is backed by pairs.
    """

    knots: tuple[tuple[float, float], ...]
    tail_slope: float
    measured_level: float

    def scaled(self, exponent: float) -> Fit:
        """The curve of strangers who reach a similarity at this curve's rate to the power of `exponent`, above 0."""
        knots = tuple((z, round(exponent * level, _DIGITS)) for z, level in self.knots)
        return Fit(knots, round(exponent * self.tail_slope, _DIGITS), exponent * self.measured_level)


def fit_curve(set_name: str, impostor: npt.NDArray[np.float32]) -> Fit:
    """Fit a curve.

    Args:
        set_name: for messages.
        impostor: float32 (n,), finite, similarities of all pairs of different people, in any order.

    Raises:
        CalibrationError: too few pairs, or pairs that are nearly all alike.
    """
    if len(impostor) < LEAST_IMPOSTORS:
        problem = f"has {len(impostor)} usable pairs of different people; a curve needs {LEAST_IMPOSTORS}: add people"
        raise CalibrationError(set_name, problem)
    z, level = _measure(np.sort(impostor))
    z, level = _rising(np.round(_smooth(z, level, len(impostor)), _DIGITS), np.round(level, _DIGITS))
    if len(z) < 2:
        raise CalibrationError(set_name, "its similarities are nearly all alike: do the models fit together?")
    return Fit(
        knots=tuple(zip(z.tolist(), level.tolist(), strict=True)),
        tail_slope=round(_tail_slope(z, level), _DIGITS),
        measured_level=float(level[-1]),
    )


def _measure(ascending: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Knots without ties: the similarity of chosen pairs, and the level that is counted there."""
    total = len(ascending)
    decades = np.arange(1, int(KNOTS_A_DECADE * np.log10(total / LEAST_PAIRS)) + 1) / KNOTS_A_DECADE
    shares = np.concatenate([1 - np.array(_LOW_QUANTILES), 10.0**-decades])
    above = np.maximum(np.round(shares * total), LEAST_PAIRS).astype(np.int64)
    z = np.unique(ascending[total - above])
    counts = total - np.searchsorted(ascending, z, side="left")
    return z.astype(np.float64), -np.log10(counts / total)


def _smooth(z: Floats, level: Floats, total: int) -> Floats:
    result = z.copy()
    for index in np.flatnonzero(level > np.log10(total / _SMOOTH_BELOW_PAIRS)):
        away = (level - level[index]) / _SMOOTH_DECADES
        near = np.abs(away) < 1
        if np.count_nonzero(near) > 3:
            weights = np.sqrt((1 - np.abs(away[near]) ** 3) ** 3)
            terms = np.stack([np.ones_like(away[near]), away[near], away[near] ** 2], axis=1)
            result[index] = np.linalg.lstsq(terms * weights[:, None], z[near] * weights)[0][0]
    return result


def _rising(z: Floats, level: Floats) -> tuple[Floats, Floats]:
    """Drop knots that do not rise: an earlier knot has a lower level at that z, so what is left promises less."""
    kept = [0]
    for index in range(1, len(z)):
        last = kept[-1]
        if z[index] - z[last] >= _LEAST_STEP and level[index] - level[last] >= _LEAST_STEP:
            kept.append(index)
    return z[kept], level[kept]


def _tail_slope(z: Floats, level: Floats) -> float:
    tail = level >= level[-1] - TAIL_DECADES
    tail[-2:] = True
    x, y = z[tail] - z[tail].mean(), level[tail] - level[tail].mean()
    return float(x @ y / (x @ x))
