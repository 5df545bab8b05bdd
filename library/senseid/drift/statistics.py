"""Two sets of counts: are they of one distribution?

Two statistics over the same bins, p and q the shares of both sets:

    PSI = sum (p - q) ln (p / q)      population stability index, 0 for equal shares; half an event is added to each bin
    KS  = max |P - Q|                 Kolmogorov and Smirnov's, over the cumulated shares

Common rules such as "a PSI of 0.1 is a change" say nothing about sizes: of twice 100 events in 20 bins it is 0.38 by
chance alone (its mean is about (bins - 1) (1/n + 1/m)). So each is compared with what it would be for two sets of these
sizes from one distribution: the pooled one, drawn from 3,999 times. The share of these draws at or above the found
value is its significance p, which is exact to the draws, also where bins are empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Numbers = npt.NDArray[np.float64]

DRAWS: Final = 3_999
_AT_ONCE: Final = 1_000
SEED: Final = 20261128
"""Fixed: the same counts give the same answer."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two sets of counts are apart.

    Attributes:
        psi: the population stability index, 0 or more.
        ks: the largest difference of the cumulated shares, in [0, 1].
        psi_p: significance of the first, in (0, 1].
        ks_p: significance of the second.
    """

    psi: float
    ks: float
    psi_p: float
    ks_p: float


def compare_counts(before: npt.ArrayLike, now: npt.ArrayLike) -> Difference:
    """Compare two sets of counts over the same bins.

    Args:
        before: whole numbers (bins,), at least one event in all.
        now: the same.
    """
    first, second = np.asarray(before, np.int64), np.asarray(now, np.int64)
    used = (first + second) > 0  # bins that are empty in both add nothing but noise of the half events
    first, second = first[used], second[used]
    pooled = (first + second) / (first.sum() + second.sum())
    random = np.random.default_rng(SEED)

    def draw(count: int) -> tuple[Numbers, Numbers]:
        one = random.multinomial(int(first.sum()), pooled, count)
        other = random.multinomial(int(second.sum()), pooled, count)
        return distances(one, other)

    return difference(distances(first, second), draw)


def difference(found: tuple[Numbers, Numbers], draw: Callable[[int], tuple[Numbers, Numbers]]) -> Difference:
    """The significance of two distances, by what chance gives.

    Args:
        found: PSI and KS, as `distances` gives them.
        draw: draws that many of both by chance alone.
    """
    psi, ks = float(found[0]), float(found[1])
    psis = kss = 1  # the found set counts as one of the draws: no significance is 0
    left = DRAWS
    while left:
        count = min(left, _AT_ONCE)
        drawn = draw(count)
        psis += int((drawn[0] >= psi - 1e-12).sum())
        kss += int((drawn[1] >= ks - 1e-12).sum())
        left -= count
    return Difference(psi, ks, psis / (DRAWS + 1), kss / (DRAWS + 1))


def distances(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> tuple[Numbers, Numbers]:
    """PSI and KS of counts (..., bins) and others of the same shape, each (...)."""
    return _psi(first, second), _ks(first, second)


def binomial_tail(events: int, trials: int, rate: float) -> float:
    """The probability of at least so many events in independent trials of that rate."""
    if events <= 0:
        return 1.0
    if events <= trials * rate:
        return 1.0 - _tail_from(trials - events + 1, trials, 1.0 - rate)
    return _tail_from(events, trials, rate)


def _tail_from(events: int, trials: int, rate: float) -> float:
    """The sum of the probabilities from `events` on, which fall there."""
    if rate <= 0 or events > trials:
        return 0.0
    if rate >= 1:
        return 1.0
    log_term = (
        math.lgamma(trials + 1) - math.lgamma(events + 1) - math.lgamma(trials - events + 1)
        + events * math.log(rate) + (trials - events) * math.log1p(-rate)
    )  # fmt: skip
    term, total = math.exp(log_term), 0.0
    for number in range(events, trials + 1):
        total += term
        term *= (trials - number) / (number + 1) * rate / (1 - rate)
        if term < total * 1e-12:
            break
    return min(1.0, total)


def _psi(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Numbers:
    p, q = _smoothed(first), _smoothed(second)
    result: Numbers = ((p - q) * np.log(p / q)).sum(axis=-1)
    return result


def _smoothed(counts: npt.NDArray[Any]) -> Numbers:
    more = counts + 0.5
    shares: Numbers = more / more.sum(axis=-1, keepdims=True)
    return shares


def _ks(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Numbers:
    p = first / first.sum(axis=-1, keepdims=True)
    q = second / second.sum(axis=-1, keepdims=True)
    result: Numbers = np.abs(np.cumsum(p - q, axis=-1)).max(axis=-1)
    return result
