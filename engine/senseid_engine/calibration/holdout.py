"""Does the curve hold for people it was not fitted on? Fits on half of the people and measures on the other half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.calibration.fit import LEAST_IMPOSTORS, fit_curve
from senseid_engine.calibration.provenance import HeldOut
from senseid_engine.curve import ScoreCurve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.calibration.pairs import Bools, PairScores
    from senseid_engine.calibration.provenance import Provenance

HALVINGS = 5


def held_out_rates(
    set_name: str,
    impostor: PairScores,
    scores: Sequence[float],
    rng: np.random.Generator,
    provenance: Provenance,
    *,
    halvings: int = HALVINGS,
) -> list[HeldOut | None]:
    """False-match rates at `scores` on people whom the curve was not fitted on.

    The people are halved at random, a curve is fitted to the pairs within each half and measured on the pairs within
    the other; this is repeated. Pairs across the halves are not used.

    Args:
        set_name: for messages.
        impostor: all pairs of different people.
        scores: thresholds in (0, 1).
        rng: the random generator for the halves.
        provenance: the provenance for the curves of the halves; only its exponent counts.
        halvings: how often the people are halved; each gives two rates.

    Returns:
        One for each score; None if a half has fewer than 1,000 pairs.
    """
    people = int(max(impostor.first.max(), impostor.second.max())) + 1
    rates: list[list[float]] = []
    for halves in halved(people, rng, halvings):
        fitted, left_out = (impostor.within(half) for half in halves)
        if min(len(fitted), len(left_out)) < LEAST_IMPOSTORS:
            return [None] * len(scores)
        fit = fit_curve(set_name, fitted).scaled(provenance.exponent)
        curve = ScoreCurve(fit.knots, fit.tail_slope, 1.0, provenance)
        rates.append([float(np.mean(left_out >= curve.similarity_at(score))) for score in scores])
    return [*spreads(rates)]


def halved(people: int, rng: np.random.Generator, halvings: int) -> Iterator[tuple[Bools, Bools]]:
    """Random halves of the people, each once before and once behind the other: bool (people,)."""
    for _ in range(halvings):
        half = rng.permutation(people) < people // 2
        yield half, ~half
        yield ~half, half


def spreads(rates: Sequence[Sequence[float]]) -> list[HeldOut]:
    """Mean, least and largest rate at each score, of rows with one rate per score."""
    return [HeldOut(float(np.mean(column)), min(column), max(column)) for column in zip(*rates, strict=True)]
