"""Probabilities as odds."""

from __future__ import annotations

import math

import pytest

from senseid_engine.quality.odds import MOST_LOGIT, logit


def test_the_logit_has_ends() -> None:
    assert logit(0.5) == 0
    assert logit(0.9) == pytest.approx(math.log(9))
    assert logit(1.0) == MOST_LOGIT
    assert logit(0.0) == -MOST_LOGIT
    assert logit(1 - 1e-16) <= MOST_LOGIT
