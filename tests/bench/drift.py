"""`python -m tests.bench.drift [--json FILE]`: alarms of `senseid drift`, with a change and without.

Periods are drawn from the calibration that comes with senseid: scores of right people and of strangers, in shares that
are drawn, too. Beside the calibration the truth is each time another one that the same number of pairs might have been
measured from. All draws are independent: of real periods, in which people come again, more alarms must be expected.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from senseid import installation
from senseid.bodies import false_match_rate
from senseid.drift.calibrated import Expected
from senseid.drift.judge import judge
from senseid.drift.period import Period, bounds
from senseid_engine.engine import read_curve
from senseid_engine.recognition import Recognition
from tests.bench.report import Report, Row, at_least, at_most, parser_of, run

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "drift"
RUNS = 200
SIZES = (150, 1_000, 20_000)
BEFORE = 3_000
CHANGED, DOUBTFUL = 0, 1
"""Where the verdicts of a run stand."""
MOST_ALARMS = 0.03
"""Of 200 runs at 1 %, more than 6 happen once in 200."""


class Simulation:
    """Draws periods."""

    def __init__(self) -> None:
        registry = installation.registry()
        self.provenance = read_curve(registry.asset(Recognition.load(registry).curve)).provenance
        self.expected = Expected.of(self.provenance)
        self.random = np.random.default_rng(0)
        self.edges = np.array([0.0, *self.expected.scores, 1.0])

    def truth(self) -> Any:
        """Shares of right people by score from which the calibration might have been measured."""
        return self.random.multinomial(self.expected.right_pairs, self.expected.right) / self.expected.right_pairs

    def strangers(self, factor: float) -> Any:
        """Strangers who reach each score so many times as often as promised."""
        above = [min(1.0, factor * false_match_rate(score)) for score in self.expected.scores]
        return -np.diff([1.0, *above, 0.0])

    def period(self, count: int, share: float, strangers: Any, *, right: Any = None, lower: float = 0.0) -> Period:
        """So many comparisons, that share of the right person, who score lower by some amount."""
        people = int(self.random.binomial(count, share))
        parts = np.concatenate(
            [
                self.random.choice(len(strangers), people, p=self.expected.right if right is None else right),
                self.random.choice(len(strangers), count - people, p=strangers),
            ]
        )
        scores = self.random.uniform(self.edges[parts], self.edges[parts + 1])
        scores[:people] = np.maximum(scores[:people] - lower, 0)
        names = bounds()
        found = np.bincount(np.searchsorted([float(name) for name in names], scores), minlength=len(names))
        return Period({"compare.verification_score": dict(zip(names, map(int, found), strict=True))})


def measure() -> Report:
    """Measure."""
    make = Simulation()
    usual, random = make.expected.strangers, make.random

    def share() -> float:
        return float(random.uniform(0.05, 0.95))

    def judged(now: Period, before: Period | None) -> tuple[bool, bool]:
        found = judge(now, before, make.provenance)
        return found.has_changed, found.is_doubtful

    def alone(period: Period) -> tuple[bool, bool]:
        return judged(period, None)

    def beside(now: Callable[[float], Period], part: float) -> tuple[bool, bool]:
        return judged(now(part), make.period(BEFORE, part, usual))

    rows, promises = [], []
    for size in SIZES:
        cases: tuple[tuple[Callable[[], tuple[bool, bool]], dict[int, tuple[str, bool | None]]], ...] = (
            (lambda size=size: alone(make.period(size, share(), usual, right=make.truth())),
             {CHANGED: ("nothing, beside the calibration", False)}),
            (lambda size=size: beside(lambda part: make.period(size, part, usual), share()),
             {CHANGED: ("nothing, beside a period", False)}),
            (lambda size=size: alone(make.period(size, share(), make.strangers(1), right=make.truth())),
             {DOUBTFUL: ("strangers as alike as promised", False)}),
            (lambda size=size: beside(lambda part: make.period(size, part, usual, lower=0.1), 0.5),
             {CHANGED: ("right people 0.1 lower, beside a period", True),
              DOUBTFUL: ("right people 0.1 lower, promise doubtful", None)}),
            (lambda size=size: judged(make.period(size, 0.6, usual), make.period(BEFORE, 0.5, usual)),
             {CHANGED: ("60 % right people in place of 50 %, beside a period", None)}),
            (lambda size=size: alone(make.period(size, 0.3, make.strangers(5))),
             {DOUBTFUL: ("strangers reach each score 5 times as often", True)}),
        )  # fmt: skip
        for case, verdicts in cases:
            alarms = [case() for _ in range(RUNS)]
            for which, (name, changed) in verdicts.items():
                text = f"{name}, {size} comparisons"
                mean = sum(alarm[which] for alarm in alarms) / RUNS
                rows.append(Row(text, "share of alarms", (mean,)))
                if changed is False:
                    promises.append(at_most(text, mean, MOST_ALARMS))
                elif changed and size == max(SIZES):
                    promises.append(at_least(text, mean, 0.9))
    return Report(
        title="alarms of `senseid drift` on simulated periods",
        counts=f"{RUNS} periods each, periods before of {BEFORE} comparisons",
        rows=tuple(rows),
        promises=tuple(promises),
    )


def main() -> int:
    """Run the benchmark."""
    words = parser_of(NAME, "How often drift alarms.").parse_args()
    return run(NAME, measure, words.json)


if __name__ == "__main__":
    sys.exit(main())
