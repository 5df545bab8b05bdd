from __future__ import annotations

import pytest

from senseid_engine.liveness.temporal.pairs import MAX_PAIRS, evenly, long_lags, pairs_apart, successive_pairs


def test_pairs_are_about_the_lag_apart() -> None:
    times = [0.0, 0.5, 0.95, 1.6, 3.2, 4.1]
    assert pairs_apart(times, 1.0) == [(0, 2), (1, 3), (4, 5)]


def test_there_are_never_too_many_pairs() -> None:
    pairs = pairs_apart([i / 30 for i in range(600)], 0.5)
    assert len(pairs) == MAX_PAIRS
    assert pairs[0] == (0, 15)
    assert all(0.35 <= (j - i) / 30 <= 0.65 for i, j in pairs)


def test_pairs_that_follow_each_other() -> None:
    times = [0.0, 0.1, 0.2, 0.3, 0.4, 1.0, 1.05, 1.25, 1.3]
    assert successive_pairs(times, 0.2) == [(0, 2), (2, 4), (5, 7)]
    assert successive_pairs(times, 0.2, tolerance=0.8) == [(0, 2), (2, 4), (5, 7), (7, 8)]
    assert successive_pairs([0.0], 0.2) == successive_pairs([], 0.2) == []


def test_long_lags_depend_on_the_length_of_the_clip() -> None:
    assert long_lags([0.0, 2.0]) == []
    assert long_lags([0.0, 5.0]) == [2.0]
    assert long_lags([1.0, 21.0]) == [8.0, 4.0, 2.0]
    assert long_lags([0.0, 60.0]) == [8.0, 4.0, 2.0]


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 50, 1000])
def test_numbers_are_spread_evenly(count: int) -> None:
    found = evenly(count, 16)
    assert len(found) == min(count, 16)
    assert found == sorted(set(found))
    assert not found or (found[0], found[-1]) == (0, count - 1)
