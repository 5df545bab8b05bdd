"""The verdict on each measure, and on the promise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from senseid.bodies import DEFAULT_THRESHOLD
from senseid.drift.calibrated import Expected, Promise, check_promise, compare_with_calibration
from senseid.drift.period import bounds
from senseid.drift.statistics import Difference, compare_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from senseid.drift.period import Counts, Period
    from senseid_engine.calibration.provenance import Provenance

ALPHA: Final = 0.01
"""How often a run calls something a change, or the promise doubtful, where chance alone was at work."""

LEAST: Final = 100
"""Events on each side below which nothing is judged."""

_LARGE_PSI: Final = 0.1
_LARGE_KS: Final = 0.1


class Change(StrEnum):
    """The change of a measure."""

    SAME = "same"
    SLIGHTLY = "slightly"
    CHANGED = "changed"
    TOO_FEW = "too_few"
    NO_REFERENCE = "no_reference"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure.

    Attributes:
        name: its task and what was measured.
        before: events of the reference.
        now: events of the period.
        difference: how far they are apart; None where that was not judged.
        verdict: what it did.
        mean_before: the mean of the reference, for values; None for codes and for the calibration.
        mean_now: the mean of the period, likewise.
        shares: for codes, the share of each before and now.
    """

    name: str
    before: int
    now: int
    difference: Difference | None
    verdict: Change
    mean_before: float | None = None
    mean_now: float | None = None
    shares: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of it.

    Attributes:
        measured: each measure.
        promise: the scores beside the promise; None where there are too few of them.
        is_doubtful: whether they speak against it.
        matches: comparisons that reach the default threshold.
        compared: comparisons.
        models_changed: whether other models made the reference; None if unknown.
    """

    measured: tuple[Measured, ...]
    promise: Promise | None
    is_doubtful: bool
    matches: int
    compared: int
    models_changed: bool | None

    @property
    def has_changed(self) -> bool:
        """Whether anything calls for a look."""
        return self.is_doubtful or any(each.verdict is Change.CHANGED for each in self.measured)

    @property
    def tells_nothing(self) -> bool:
        """Whether there was too little to judge anything by."""
        unjudged = {Change.TOO_FEW, Change.NO_REFERENCE}
        return self.promise is None and all(each.verdict in unjudged for each in self.measured)


def judge(now: Period, before: Period | None, provenance: Provenance) -> Judgement:
    """Judge a period.

    Args:
        now: the period.
        before: the reference; None takes the calibration, which knows scores of comparisons only.
        provenance: that of the score curve in use.
    """
    expected = Expected.of(provenance)
    one_to_one = _one_to_one(now)
    counts = expected.counts(one_to_one)
    enough = int(counts.sum()) >= LEAST
    names = [name for name in now.measures if sum(now.measures[name].values())]
    judged = [
        name for name in names if before is not None and _enough(before.measures.get(name, {}), now.measures[name])
    ]
    # Each measure is looked at by two statistics, and the promise by one: all of them share the rate of false alarms.
    tests = 2 * (len(judged) if before is not None else int(enough)) + int(enough)
    level = ALPHA / max(1, tests)
    promise = check_promise(counts, expected) if enough else None
    if before is None:
        measured = _beside_calibration(now, names, counts, expected, level)
    else:
        measured = tuple(_beside(name, before.measures.get(name, {}), now.measures[name], level) for name in names)
    changed = None
    if before is not None and before.models is not None and now.models is not None:
        changed = before.models != now.models
    matches = sum(count for bound, count in one_to_one.items() if float(bound) > DEFAULT_THRESHOLD)
    return Judgement(measured, promise, promise is not None and promise.p < level, matches, int(counts.sum()), changed)


def _one_to_one(period: Period) -> Counts:
    """The scores of comparisons of two faces; of many faces only the highest score is known, which is no such thing."""
    found = dict.fromkeys(bounds(), 0)
    for task in ("compare", "verify"):
        for bound, count in period.measures.get(f"{task}.verification_score", {}).items():
            found[bound] += count
    return found


def _enough(*counts: Counts) -> bool:
    return all(sum(each.values()) >= LEAST for each in counts)


def _beside(name: str, before: Counts, now: Counts, level: float) -> Measured:
    keys = sorted(dict.fromkeys([*before, *now]), key=float)
    old, new = [before.get(key, 0) for key in keys], [now.get(key, 0) for key in keys]
    total_old, total_new = sum(old), sum(new)
    if not _enough(before, now):
        verdict = Change.TOO_FEW if total_old else Change.NO_REFERENCE
        return Measured(name, total_old, total_new, None, verdict)
    difference = compare_counts(old, new)
    verdict = _verdict(difference, level)
    if name.endswith(".code"):
        rows = zip(keys, old, new, strict=True)
        shares = tuple((key, one / total_old, other / total_new) for key, one, other in rows)
        return Measured(name, total_old, total_new, difference, verdict, shares=shares)
    return Measured(name, total_old, total_new, difference, verdict, _mean(before), _mean(now))


def _beside_calibration(
    now: Period, names: Iterable[str], counts: npt.NDArray[np.int64], expected: Expected, level: float
) -> tuple[Measured, ...]:
    measured = []
    total = int(counts.sum())
    if total:
        difference = compare_with_calibration(counts, expected) if total >= LEAST else None
        verdict = Change.TOO_FEW if difference is None else _verdict(difference, level)
        pairs = expected.right_pairs + expected.stranger_pairs
        measured.append(Measured("verification_score", pairs, total, difference, verdict))
    others = [name for name in names if name not in {"compare.verification_score", "verify.verification_score"}]
    measured += [Measured(name, 0, sum(now.measures[name].values()), None, Change.NO_REFERENCE) for name in others]
    return tuple(measured)


def _verdict(difference: Difference, level: float) -> Change:
    if difference.psi_p >= level and difference.ks_p >= level:
        return Change.SAME
    large = difference.psi >= _LARGE_PSI or difference.ks >= _LARGE_KS
    return Change.CHANGED if large else Change.SLIGHTLY


def _mean(counts: Counts) -> float:
    """The mean, each value taken for the middle of its bin."""
    width = 1 / len(bounds())
    return sum((float(bound) - width / 2) * count for bound, count in counts.items()) / sum(counts.values())
