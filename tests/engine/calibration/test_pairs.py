"""Bands of the matrix, and the pairs that are gathered from them."""

from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.calibration.pairs import Gathered, ListedPairs, PairScores, gather
from senseid_engine.errors import CalibrationError
from tests.engine.calibration.matrices import banded

PEOPLE = np.array([0, 0, 1, 2, 2, 2, 4], np.int32)
SIZE = len(PEOPLE)
NOTHING = ListedPairs(np.zeros(0, np.int32), np.zeros(0, np.int32))


def value(a: int, b: int) -> float:
    """A similarity from which its pair can be told."""
    return 100.0 * min(a, b) + max(a, b)


MATRIX = np.array([[value(a, b) for b in range(SIZE)] for a in range(SIZE)], np.float32)


def triples(pairs: PairScores) -> list[tuple[float, int, int]]:
    return sorted(
        (float(z), *sorted((int(a), int(b)))) for z, a, b in zip(pairs.z, pairs.first, pairs.second, strict=True)
    )


def expected(*, same: bool) -> list[tuple[float, int, int]]:
    return [
        (value(a, b), int(PEOPLE[a]), int(PEOPLE[b]))
        for a in range(SIZE)
        for b in range(a + 1, SIZE)
        if (PEOPLE[a] == PEOPLE[b]) == same
    ]


def check(gathered: Gathered) -> None:
    assert triples(gathered.genuine) == sorted(expected(same=True))
    assert triples(gathered.impostor) == sorted(expected(same=False))


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 50])
def test_every_pair_is_gathered_once(rows: int) -> None:
    check(gather(PEOPLE, banded(MATRIX, rows), NOTHING))


def test_listed_pairs_keep_their_order_and_may_be_turned_round() -> None:
    listed = ListedPairs(np.array([5, 0, 6], np.int32), np.array([1, 1, 3], np.int32))
    assert gather(PEOPLE, banded(MATRIX, 2), listed).listed.tolist() == [105.0, 1.0, 306.0]


def test_a_similarity_that_is_not_finite_is_refused() -> None:
    broken = MATRIX.copy()
    broken[2, 5] = np.nan
    with pytest.raises(CalibrationError, match="not a finite number"):
        gather(PEOPLE, banded(broken), NOTHING)


def test_nobody_looks_at_the_diagonal() -> None:
    odd = MATRIX.copy()
    np.fill_diagonal(odd, np.inf)
    check(gather(PEOPLE, banded(odd), NOTHING))


def test_bands_that_leave_out_photos() -> None:
    with pytest.raises(ValueError, match="leave out photos"):
        gather(PEOPLE, [MATRIX[:4]], NOTHING)


def test_no_photo_no_pair() -> None:
    gathered = gather(np.zeros(0, np.int32), banded(np.zeros((0, 0))), NOTHING)
    assert len(gathered.genuine) == len(gathered.impostor) == 0
