"""Probabilities as odds: how far below 1 the probability of a good face is tells more than that it is 1."""

from __future__ import annotations

import math

MOST_LOGIT = 36.0
"""A probability of 1 in double precision has no finite logit."""


def logit(probability: float) -> float:
    """The logarithm of the odds, within plus and minus `MOST_LOGIT`."""
    if probability <= 0 or probability >= 1:
        return math.copysign(MOST_LOGIT, probability - 0.5)
    return min(max(math.log(probability / (1 - probability)), -MOST_LOGIT), MOST_LOGIT)
