"""Rates on people whom the curve was not fitted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from senseid_engine.calibration.holdout import held_out_rates
from senseid_engine.calibration.pairs import PairScores
from senseid_engine.calibration.provenance import ModelFile, Provenance

LABEL = Provenance("set", "2026-11-24", 1, 0, 0, 2, 1, 1, 0, ModelFile("model", "a" * 64), (), None)
SCORES = (0.4, 0.5, 0.6)


def pairs_of(people: int, spread: float, seed: int = 0) -> PairScores:
    rng = np.random.default_rng(seed)
    i, j = (side.astype(np.int32) for side in np.triu_indices(people, 1))
    person = rng.normal(0, spread, people)
    return PairScores((rng.normal(size=len(i)) + person[i] + person[j]).astype(np.float32), i, j)


def test_a_curve_of_like_people_holds() -> None:
    rates = held_out_rates("set", pairs_of(500, 0.1), SCORES, np.random.default_rng(0), LABEL)
    for score, rate in zip(SCORES, rates, strict=True):
        assert rate is not None
        assert rate.lowest < rate.mean < rate.highest
        promised = 10 ** -((score - 0.3) * 10)
        assert promised / 1.3 < rate.mean < promised * 1.3


def test_an_exponent_promises_less() -> None:
    scores = 0.4, 0.5
    plain, alike = (
        held_out_rates("set", pairs_of(500, 0.1), scores, np.random.default_rng(0), label)
        for label in (LABEL, replace(LABEL, exponent=0.8))
    )
    for score, rate, of_alike in zip(scores, plain, alike, strict=True):
        assert rate is not None
        assert of_alike is not None
        promised = 10 ** -((score - 0.3) * 10)
        # The threshold of a score is where the set's own strangers come at the rate to the power of 1 / 0.8.
        assert promised ** (1 / 0.8) / 1.4 < of_alike.mean < promised ** (1 / 0.8) * 1.4
        assert of_alike.mean < rate.mean


def test_people_who_differ_show_in_the_range() -> None:
    def ratio(spread: float) -> float:
        rate = held_out_rates("set", pairs_of(200, spread), (0.5,), np.random.default_rng(0), LABEL)[0]
        assert rate is not None
        return rate.highest / rate.lowest

    assert ratio(1.0) > 1.5 * ratio(0.0)


def test_it_comes_from_the_seed() -> None:
    pairs = pairs_of(120, 0.3)
    first, again, other = (
        held_out_rates("set", pairs, SCORES, np.random.default_rng(seed), LABEL) for seed in (4, 4, 5)
    )
    assert first == again != other


def test_too_few_people_to_leave_half_out() -> None:
    assert held_out_rates("set", pairs_of(60, 0.1), SCORES, np.random.default_rng(0), LABEL) == [None] * 3
