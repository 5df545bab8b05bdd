"""Scores without labels beside the calibration: can they be what it promises?

The scores of a period are a mixture: a share w of comparisons of the right person, whose scores the calibration
measured, and a share 1 - w of strangers. w is not known, so it is fitted (maximum likelihood, by expectation and
maximisation over the bins between the scores that the calibration lists), and what is compared is the rest.

For the promise the strangers are taken as bad as it allows: a share 10^-((s - 0.3) / 0.1) of them reaches s. More
scores between 0.5 and 0.7 than these and the right people of the calibration give speak against it, or against the
photos: without labels nobody can tell strangers who score high from right people who score low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from senseid.bodies import false_match_rate
from senseid.drift.statistics import SEED, Difference, Numbers, binomial_tail, difference, distances

if TYPE_CHECKING:
    from senseid.drift.period import Counts
    from senseid_engine.calibration.provenance import Provenance

_STEPS: Final = 50
_DOUBTFUL: Final = (0.5, 0.7)


@dataclass(frozen=True, slots=True)
class Expected:
    """The calibration's measurement, in the bins between its scores.

    Attributes:
        scores: the scores that part the bins, rising.
        right: float64 (bins,), shares of pairs of the right person.
        right_pairs: how many those were.
        strangers: float64 (bins,), shares of pairs of strangers.
        stranger_pairs: how many those were.
        margin: how many times more of the right people may score below 0.7 than was measured: the upper end of the
            95 % interval that knows that pairs share people.
    """

    scores: tuple[float, ...]
    right: Numbers
    right_pairs: int
    strangers: Numbers
    stranger_pairs: int
    margin: float

    @classmethod
    def of(cls, provenance: Provenance) -> Expected:
        """Read the provenance of a curve."""
        rates = provenance.rates
        below = [row.fnmr.value for row in rates]
        above = [row.fmr.value for row in rates]
        return cls(
            tuple(row.score for row in rates),
            np.diff([0.0, *below, 1.0]),
            provenance.genuine_pairs,
            -np.diff([1.0, *above, 0.0]),
            provenance.impostor_pairs,
            max(
                (
                    row.fnmr.by_person.high / row.fnmr.value
                    for row in rates
                    if row.score == _DOUBTFUL[1] and row.fnmr.events
                ),
                default=1.0,
            ),
        )

    def counts(self, histogram: Counts) -> npt.NDArray[np.int64]:
        """The counts of a histogram of scores in these bins: int64 (bins,)."""
        counts = np.zeros(len(self.scores) + 1, np.int64)
        for bound, count in histogram.items():
            counts[np.searchsorted(self.scores, float(bound) - 1e-9)] += count
        return counts


@dataclass(frozen=True, slots=True)
class Promise:
    """The scores without labels that bound the promised rate.

    Attributes:
        right_share: the fitted share of comparisons of the right person, in [0, 1].
        between: comparisons with a score from 0.5 to 0.7.
        allowed: as many of them as the promise and the calibration let expect at most.
        p: the probability of so many or more if both hold.
    """

    right_share: float
    between: int
    allowed: float
    p: float


def compare_with_calibration(counts: npt.NDArray[np.int64], expected: Expected) -> Difference:
    """Compare counts in the bins of the calibration with the mixture that fits them best.

    What chance gives is drawn from that mixture, each time with shares that the calibration might have measured, and
    fitted again.
    """
    total = int(counts.sum())
    share = _fit(counts[None], expected.right, expected.strangers)
    mixture = share * expected.right + (1 - share) * expected.strangers
    random = np.random.default_rng(SEED)

    def draw(count: int) -> tuple[Numbers, Numbers]:
        right = random.multinomial(expected.right_pairs, expected.right, count) / expected.right_pairs
        strangers = random.multinomial(expected.stranger_pairs, expected.strangers, count) / expected.stranger_pairs
        truth = share * right + (1 - share) * strangers
        drawn = random.multinomial(total, truth)
        fitted = _fit(drawn, expected.right, expected.strangers)
        return distances(drawn, total * (fitted * expected.right + (1 - fitted) * expected.strangers))

    return difference(distances(counts, total * mixture[0]), draw)


def check_promise(counts: npt.NDArray[np.int64], expected: Expected) -> Promise:
    """Whether there are more scores between 0.5 and 0.7 than the promise allows."""
    total = int(counts.sum())
    low, high = _DOUBTFUL
    above = {score: float(expected.right[number + 1 :].sum()) for number, score in enumerate(expected.scores)}
    reached = {score: int(counts[number + 1 :].sum()) for number, score in enumerate(expected.scores)}
    strangers = false_match_rate(high)
    share = min(1.0, max(0.0, (reached[high] / total - strangers) / (above[high] - strangers)))
    rate = share * (above[low] - above[high]) * expected.margin + (1 - share) * (false_match_rate(low) - strangers)
    between = reached[low] - reached[high]
    return Promise(share, between, rate * total, binomial_tail(between, total, rate))


def _fit(counts: npt.NDArray[Any], right: Numbers, strangers: Numbers) -> Numbers:
    """The share of the right people in each set of counts: (sets, bins) -> (sets, 1)."""
    share: Numbers = np.full((len(counts), 1), 0.5)
    for _ in range(_STEPS):
        mixture = share * right + (1 - share) * strangers
        share = (counts * (share * right / mixture)).sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
    return share
