"""The fitted curve: exact where it was measured, and on the safe side beyond."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest

from senseid_engine.calibration.fit import KNOTS_A_DECADE, Fit, fit_curve
from senseid_engine.errors import CalibrationError

NORMAL = NormalDist()
MILLION = 1_000_000


def level(fit: Fit, z: float) -> float:
    """L at z, at or above the first knot."""
    knots, levels = np.array(fit.knots).T
    beyond = max(0.0, z - knots[-1])
    return float(np.interp(z, knots, levels)) + fit.tail_slope * beyond


def normal(size: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def test_the_knots_are_counted() -> None:
    z = normal(MILLION)
    fit = fit_curve("set", z)
    for similarity, knot_level in fit.knots:
        share = float(np.mean(z >= similarity))
        if share > 1e-3:
            assert -math.log10(share) == pytest.approx(knot_level, abs=1e-3)
    assert fit.knots[0][1] == pytest.approx(-math.log10(0.999), abs=1e-6)
    assert fit.measured_level == fit.knots[-1][1] == pytest.approx(5, abs=0.01)
    assert len(fit.knots) == 5 + 5 * KNOTS_A_DECADE


@pytest.mark.parametrize("seed", range(6))
def test_where_it_is_measured_it_holds_for_others(seed: int) -> None:
    fit = fit_curve("set", normal(MILLION, seed))
    for promised in (1.0, 2.0, 3.0, 4.0, 4.5):
        z = NORMAL.inv_cdf(1 - 10**-promised)
        assert 10 ** abs(level(fit, z) - promised) < (1.05 if promised < 3.5 else 1.5), promised


@pytest.mark.parametrize("seed", range(6))
def test_beyond_a_normal_tail_it_promises_less_than_is_true(seed: int) -> None:
    fit = fit_curve("set", normal(30_000, seed))
    for true in (5.0, 6.0, 8.0):
        z = -NORMAL.inv_cdf(10**-true)
        assert level(fit, z) < true + 0.1
    # But not absurdly little: four decades beyond what was measured, less than half of them are lost.
    assert level(fit, -NORMAL.inv_cdf(1e-7)) > 5.0


@pytest.mark.parametrize("seed", range(6))
def test_beyond_an_exponential_tail_it_is_right(seed: int) -> None:
    z = np.random.default_rng(seed).exponential(size=100_000).astype(np.float32)
    fit = fit_curve("set", z)
    assert fit.measured_level == pytest.approx(4, abs=0.01)
    for true in (5.0, 6.0):
        at = true * math.log(10)
        assert level(fit, at) == pytest.approx(true, abs=0.1 * true)


def test_a_few_wrong_labels_make_the_end_careful_and_leave_the_rest() -> None:
    clean = normal(MILLION)
    wrong = np.concatenate([clean, np.linspace(5.0, 9.0, 40, dtype=np.float32)])
    for promised in (1.0, 2.0, 3.0):
        z = NORMAL.inv_cdf(1 - 10**-promised)
        assert level(fit_curve("set", wrong), z) == pytest.approx(promised, abs=0.02)
    assert level(fit_curve("set", wrong), 6.0) < 5.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1000, 1009, 12_345])
def test_knots_rise_whatever_the_numbers(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for z in (normal(size, seed), rng.standard_t(2, size), np.round(normal(size, seed), 1), rng.integers(0, 3, size)):
        fit = fit_curve("set", np.asarray(z, np.float32))
        assert (np.diff(np.array(fit.knots), axis=0) > 0).all()
        assert fit.tail_slope > 0


def test_ties_are_counted_as_matches() -> None:
    z = np.repeat(np.array([0.0, 1.0, 2.0], np.float32), [9000, 900, 100])
    fit = fit_curve("set", z)
    assert fit.knots == ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))
    assert fit.tail_slope == 1.0


def test_the_order_does_not_matter() -> None:
    z = normal(20_000)
    assert fit_curve("set", z) == fit_curve("set", z[::-1].copy())


@pytest.mark.parametrize(
    ("z", "problem"),
    [
        (normal(999), "has 999 usable pairs of different people; a curve needs 1000"),
        (np.ones(5000, np.float32), "nearly all alike"),
        (np.float32(1) + normal(5000) * np.float32(1e-8), "nearly all alike"),
    ],
)
def test_what_makes_no_curve(z: npt.NDArray[np.float32], problem: str) -> None:
    with pytest.raises(CalibrationError, match=problem):
        fit_curve("set", z)


def test_strangers_who_are_alike_reach_a_similarity_at_a_power_of_the_rate() -> None:
    fit = fit_curve("set", normal(30_000))
    alike = fit.scaled(0.75)
    for (z, level_of_any), (same_z, level_of_alike) in zip(fit.knots, alike.knots, strict=True):
        assert same_z == z
        assert level_of_alike == pytest.approx(0.75 * level_of_any, abs=1e-6)
        assert 10**-level_of_alike == pytest.approx((10**-level_of_any) ** 0.75, rel=1e-5)
        assert round(level_of_alike, 6) == level_of_alike
    assert alike.tail_slope == pytest.approx(0.75 * fit.tail_slope, abs=1e-6)
    assert alike.measured_level == 0.75 * fit.measured_level
    assert fit.scaled(1.0) == fit
