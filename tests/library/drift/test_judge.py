"""Verdicts on simulated periods: with drift, without, and with too little."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid import installation
from senseid.bodies import false_match_rate
from senseid.drift import statistics
from senseid.drift.calibrated import Expected
from senseid.drift.judge import Change, Judgement, judge
from senseid.drift.period import Period, bin_of, bounds
from senseid.errors import PeriodError
from senseid_engine.engine import read_curve
from senseid_engine.recognition import Recognition

if TYPE_CHECKING:
    from senseid_engine.calibration.provenance import Provenance


@cache
def provenance() -> Provenance:
    registry = installation.registry()
    return read_curve(registry.asset(Recognition.load(registry).curve)).provenance


EDGES = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def scores(random: np.random.Generator, count: int, share: float, strangers: np.ndarray, shift: float = 0.0) -> Period:
    """Scores of which that share is of the right person, as calibrated, lower by a shift."""
    expected = Expected.of(provenance())
    right = random.binomial(count, share)
    parts = np.concatenate([random.choice(7, right, p=expected.right), random.choice(7, count - right, p=strangers)])
    low, high = np.array(EDGES)[parts], np.array(EDGES)[parts + 1]
    values = random.uniform(low, high)
    values[:right] = np.maximum(values[:right] - shift, 0)
    counts = dict.fromkeys(bounds(), 0)
    for value in values:
        counts[bin_of(value)] += 1
    return Period({"compare.verification_score": counts})


def promised() -> np.ndarray:
    """Strangers as alike as the promise allows."""
    above = [1.0, *(false_match_rate(score) for score in EDGES[1:-1]), 0.0]
    return -np.diff(above)


def verdicts(found: Judgement) -> dict[str, Change]:
    return {each.name: each.verdict for each in found.measured}


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "DRAWS", 1999)


def test_bins() -> None:
    assert [bin_of(value) for value in (0.0, 0.05, 0.0501, 0.7, 0.99, 1.0)] == [
        "0.05",
        "0.05",
        "0.1",
        "0.7",
        "1.0",
        "1.0",
    ]
    expected = Expected.of(provenance())
    assert expected.right.sum() == pytest.approx(1)
    assert expected.strangers.sum() == pytest.approx(1)
    counts = expected.counts({"0.4": 1, "0.45": 2, "0.7": 3, "0.75": 4, "1.0": 5})
    assert list(counts) == [1, 2, 0, 3, 4, 0, 5]


def test_nothing_changed() -> None:
    """Against the calibration and against a period before: few false alarms, over many periods of all sizes."""
    random = np.random.default_rng(2)
    calibrated = Expected.of(provenance()).strangers
    alarms = 0
    for number in range(30):
        size, share = int(10 ** random.uniform(2.1, 4)), random.uniform(0.05, 0.95)
        now = scores(random, size, share, calibrated)
        before = scores(random, 3000, share, calibrated) if number % 2 else None
        alarms += judge(now, before, provenance()).has_changed
    # 30 runs at 1 %: more than 2 happens once in 300.
    assert alarms <= 2


@pytest.mark.parametrize("with_reference", [True, False])
def test_worse_photos_are_seen(with_reference: bool) -> None:
    """The right people score 0.2 less, as with another camera."""
    random = np.random.default_rng(3)
    calibrated = Expected.of(provenance()).strangers
    before = scores(random, 3000, 0.5, calibrated) if with_reference else None
    found = judge(scores(random, 2000, 0.5, calibrated, shift=0.2), before, provenance())
    assert found.has_changed
    assert Change.CHANGED in verdicts(found).values() or found.is_doubtful


def test_the_promise() -> None:
    random = np.random.default_rng(4)
    assert not any(
        judge(scores(random, 20_000, share, promised()), None, provenance()).is_doubtful for share in (0.0, 0.3, 0.9)
    )
    # Strangers who reach each score five times as often as promised: children, say.
    worse = -np.diff([1.0, 0.5, 0.05, 0.005, 0.0005, 0.00005, 0.000005, 0.0])
    found = judge(scores(random, 20_000, 0.3, worse), None, provenance())
    assert found.is_doubtful
    assert found.has_changed
    assert found.promise is not None
    assert found.promise.between > found.promise.allowed
    assert found.promise.right_share == pytest.approx(0.3, abs=0.03)


def test_refusals_and_qualities() -> None:
    quality = dict.fromkeys(bounds(), 10)
    before = Period({"compare.code": {"1000": 960, "4000": 40}, "quality.integrity": quality}, models="a")
    now = Period({"compare.code": {"1000": 700, "4000": 280, "2005": 20}, "quality.integrity": quality}, models="b")
    found = judge(now, before, provenance())
    assert verdicts(found) == {"compare.code": Change.CHANGED, "quality.integrity": Change.SAME}
    assert found.models_changed
    assert found.promise is None
    (codes, _) = found.measured
    assert ("4000", 0.04, 0.28) in codes.shares
    few = replace(now, measures={"compare.code": {"1000": 50, "4000": 49}})
    assert verdicts(judge(few, before, provenance())) == {"compare.code": Change.TOO_FEW}
    assert judge(few, before, provenance()).tells_nothing
    # More than chance, and little: many events see everything.
    many = Period({"compare.code": {"1000": 960_000, "4000": 40_000}})
    more = Period({"compare.code": {"1000": 955_000, "4000": 45_000}})
    assert verdicts(judge(more, many, provenance())) == {"compare.code": Change.SLIGHTLY}
    assert not judge(more, many, provenance()).has_changed


def test_what_was_counted_since() -> None:
    early, late = Period({"a": {"1": 2}}), Period({"a": {"1": 5, "2": 1}, "b": {"1": 1}})
    assert late.minus(early).measures == {"a": {"1": 3, "2": 1}, "b": {"1": 1}}
    with pytest.raises(PeriodError, match="started anew"):
        early.minus(late)
