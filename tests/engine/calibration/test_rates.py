"""Rates and their intervals, against brute force, against known values, and in simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from senseid_engine.calibration.pairs import PairScores
from senseid_engine.calibration.provenance import Interval, Rate
from senseid_engine.calibration.rates import Sharing, false_match_rate, false_non_match_rate, wilson


def scores(z: list[float], first: list[int], second: list[int]) -> PairScores:
    return PairScores(np.array(z, np.float32), np.array(first, np.int32), np.array(second, np.int32))


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_wilson_has_the_textbook_values() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine, 1998, table I.
    for count, total, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)]:
        interval = wilson(count / total, total)
        assert interval.low == pytest.approx(low, abs=5e-5)
        assert interval.high == pytest.approx(high, abs=5e-5)


def test_thresholds_are_reached_with_equality() -> None:
    pairs = scores([0.5, 1.0, 1.0, 2.0], [0, 0, 1, 2], [1, 2, 2, 3])
    assert false_match_rate(Sharing.of(pairs), 1.0).value == 0.75
    same = scores([0.5, 1.0, 1.0, -np.inf], [0, 1, 2, 3], [0, 1, 2, 3])
    assert false_non_match_rate(Sharing.of(same), 1.0).value == 0.5


def brute_force(pairs: PairScores, hits: np.ndarray) -> float:
    """The dyadic variance, from its definition: sum over couples that share a person."""
    share = hits.mean()
    residual: dict[tuple[int, int], float] = {}
    for a, b, hit in zip(pairs.first.tolist(), pairs.second.tolist(), hits.tolist(), strict=True):
        couple = (min(a, b), max(a, b))
        residual[couple] = residual.get(couple, 0.0) + hit - share
    total = sum(residual[c] * residual[d] for c, d in itertools.product(residual, repeat=2) if set(c) & set(d))
    return total / len(hits) ** 2


def implied_variance(rate: Rate) -> float:
    """Of the interval by person: Wilson's is symmetric about (p + z^2/2n) / (1 + z^2/n), from which n follows."""
    middle = (rate.by_person.low + rate.by_person.high) / 2
    z2 = 1.959963984540054**2
    n = z2 * (0.5 - middle) / (middle - rate.value)
    return rate.value * (1 - rate.value) / n


@pytest.mark.parametrize("seed", range(4))
def test_the_variance_by_person_is_the_dyadic_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    of_photo = rng.integers(0, 9, 40).astype(np.int32)
    lamb = rng.random(9)
    i, j = np.triu_indices(40, 1)
    different = of_photo[i] != of_photo[j]
    i, j = i[different], j[different]
    turn = rng.random(len(i)) < 0.5
    first, second = np.where(turn, of_photo[i], of_photo[j]), np.where(turn, of_photo[j], of_photo[i])
    z = (lamb[first] + lamb[second] + rng.random(len(i))).astype(np.float32)
    pairs = PairScores(z, first, second)
    rate = false_match_rate(Sharing.of(pairs), 2.0)
    assert 0.02 < rate.value < 0.4
    assert implied_variance(rate) == pytest.approx(brute_force(pairs, z >= 2.0), rel=1e-6)
    assert width(rate.by_person) > 1.5 * width(rate.binomial)


def test_the_variance_of_genuine_pairs_is_that_of_clusters() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(30, dtype=np.int32), rng.integers(1, 20, 30))
    z = (rng.normal(size=30)[person] + 0.3 * rng.normal(size=len(person))).astype(np.float32)
    rate = false_non_match_rate(Sharing.of(PairScores(z, person, person)), -0.5)
    hits = z < -0.5
    residual = np.array([(hits[person == p] - rate.value).sum() for p in range(30)])
    expected = 30 / 29 * (residual**2).sum() / len(z) ** 2
    assert implied_variance(rate) == pytest.approx(expected, rel=1e-6)


def test_the_interval_by_person_is_never_narrower_than_the_binomial() -> None:
    pairs = scores([1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3])
    rate = false_match_rate(Sharing.of(pairs), 0.5)
    assert rate.by_person.low <= rate.binomial.low + 1e-12
    assert rate.by_person.high >= rate.binomial.high - 1e-12


def test_one_person_alone_tells_nothing() -> None:
    rate = false_non_match_rate(Sharing.of(scores([0.0, 1.0], [5, 5], [5, 5])), 0.5)
    assert (rate.by_person.low, rate.by_person.high) == (0.0, 1.0)


def test_the_rule_of_three() -> None:
    many = scores([0.0] * 300, list(range(30)) * 10, [p + 30 for p in range(30)] * 10)
    none = false_match_rate(Sharing.of(many), 1.0)
    assert none.binomial == Interval(0.0, 0.01)
    assert none.by_person == Interval(0.0, 0.1)
    everything = false_match_rate(Sharing.of(many), -1.0)
    assert everything.binomial == Interval(0.99, 1.0)
    assert everything.by_person == Interval(0.9, 1.0)
    assert false_match_rate(Sharing.of(scores([0.0], [0], [1])), 1.0).binomial == Interval(0.0, 1.0)


def test_no_pair_has_no_rate() -> None:
    with pytest.raises(ValueError, match="no pair"):
        Sharing.of(scores([], [], []))


def test_couples_of_very_many_people_are_told_apart() -> None:
    big = 2**17
    pairs = scores([1, 1, 0, 0], [0, big, 1, big], [big, 1, 0, 0])
    sharing = Sharing.of(pairs)
    assert sharing.of_couple.tolist() == [1, 2, 1]
    assert false_match_rate(sharing, 0.5).events == 2


def test_nine_of_ten_intervals_by_person_hold_the_truth_and_the_binomial_ones_do_not() -> None:
    rng = np.random.default_rng(11)
    people, photos, threshold = 150, 2, 1.7
    of_photo = np.repeat(np.arange(people, dtype=np.int32), photos)
    i, j = np.triu_indices(people * photos, 1)
    different = of_photo[i] != of_photo[j]
    first, second = of_photo[i[different]], of_photo[j[different]]

    def draw() -> PairScores:
        # Some people resemble many others.
        person, photo = rng.normal(0, 0.5, people), rng.normal(0, 0.5, people * photos)
        z = (person[of_photo] + photo)[i[different]] + (person[of_photo] + photo)[j[different]]
        return PairScores((z + rng.normal(0, 0.5, len(z))).astype(np.float32), first, second)

    rates = [false_match_rate(Sharing.of(draw()), threshold) for _ in range(150)]
    truth = np.mean([rate.value for rate in rates])
    by_person = np.mean([rate.by_person.low <= truth <= rate.by_person.high for rate in rates])
    binomial = np.mean([rate.binomial.low <= truth <= rate.binomial.high for rate in rates])
    assert by_person >= 0.9
    assert binomial < 0.6
