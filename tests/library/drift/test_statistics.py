"""The statistics of drift: right by themselves, silent where nothing changed, and awake where something did."""

from __future__ import annotations

import math

import numpy as np
import pytest

from senseid.drift import statistics
from senseid.drift.statistics import binomial_tail, compare_counts, distances


def test_distances() -> None:
    psi, ks = distances(np.array([500, 500]), np.array([250, 750]))
    p, q = np.array([500.5, 500.5]) / 1001, np.array([250.5, 750.5]) / 1001
    assert float(psi) == pytest.approx(((p - q) * np.log(p / q)).sum())
    assert float(ks) == 0.25
    same = compare_counts([10, 20, 0], [10, 20, 0])
    assert (same.psi, same.ks, same.psi_p, same.ks_p) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("events", "trials", "rate"), [(0, 10, 0.2), (3, 10, 0.2), (10, 10, 0.9), (1, 10, 0.9), (7, 20, 0.3)]
)
def test_binomial_tail(events: int, trials: int, rate: float) -> None:
    exact = sum(math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(events, trials + 1))
    assert binomial_tail(events, trials, rate) == pytest.approx(exact)
    assert binomial_tail(1, 10**7, 1e-7) == pytest.approx(1 - math.exp(-1), rel=1e-3)
    assert binomial_tail(5, 10, 0.0) == 0


def test_false_alarms_and_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a level of 5 %, with few events in many bins: where a fixed PSI of 0.1 would always be a change."""
    monkeypatch.setattr(statistics, "DRAWS", 399)
    random = np.random.default_rng(1)
    shares = random.dirichlet(np.full(20, 0.5))
    moved = 0.8 * shares + 0.2 * np.roll(shares, 6)
    alarms, large, seen, runs = np.zeros(2), 0, np.zeros(2), 200
    for _ in range(runs):
        before, now = random.multinomial(400, shares), random.multinomial(150, shares)
        found = compare_counts(before, now)
        alarms += [found.psi_p < 0.05, found.ks_p < 0.05]
        large += found.psi >= 0.1
        found = compare_counts(before, random.multinomial(150, moved))
        seen += [found.psi_p < 0.05, found.ks_p < 0.05]
    # 200 runs at 5 %: 3 to 19 alarms in 999 of 1000 cases; KS has steps, and fewer.
    assert (alarms <= 20).all()
    assert alarms[0] >= 2
    assert large > 0.2 * runs
    assert seen[0] > 0.8 * runs
