"""All pairs in blocks are to the bit those that the engine gives one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from senseid_engine.batch import all_pairs
from senseid_engine.batch.all_pairs import approximate, pairs_over
from senseid_engine.template import Template, similarities


def templates(count: int, seed: int = 0, dimensions: int = 128) -> list[Template]:
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(max(1, count // 3), dimensions))
    vectors = people[rng.integers(len(people), size=count)] + 0.8 * rng.normal(size=(count, dimensions))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Template(vector) for vector in unit.astype(np.float32)]


def matrix(faces: list[Template]) -> np.ndarray:
    return np.stack([face.embedding for face in faces])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks in both directions, with a remainder."""
    monkeypatch.setattr(all_pairs, "ROWS", 16)
    monkeypatch.setattr(all_pairs, "COLUMNS", 24)


@pytest.mark.parametrize("dimensions", [1, 4, 64, 128, 512])
def test_the_error_is_within_its_bound(dimensions: int) -> None:
    first, second = templates(120, dimensions=dimensions), templates(90, seed=1, dimensions=dimensions)
    near, bound = approximate(matrix(first), matrix(second))
    assert near.shape == (120, 90)
    assert near.dtype == np.float32
    assert np.abs(near - similarities(first, second)).max() <= bound
    # A careless bound would let everything through, and all of it would be worked out twice.
    assert bound < 2e-4


def test_the_matrix_product_does_round() -> None:
    first, second = templates(120), templates(90, seed=1)
    assert np.abs(approximate(matrix(first), matrix(second))[0] - similarities(first, second)).max() > 0


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.99])
def test_all_of_one_set_against_all_of_another(quantile: float) -> None:
    first, second = templates(50), templates(70, seed=1)
    want = similarities(first, second)
    least = float(np.quantile(want, quantile))
    got = list(pairs_over(first, second, least))
    assert [hits.row for hits in got] == list(range(50))
    for hits in got:
        columns = np.flatnonzero(want[hits.row] >= least)
        assert hits.columns.tolist() == columns.tolist()
        assert hits.similarities.tolist() == want[hits.row, columns].tolist()


def test_each_pair_of_one_set_once() -> None:
    faces = templates(61)
    want = similarities(faces, faces)
    pairs = [
        (hits.row, int(column), float(z))
        for hits in pairs_over(faces, faces, -np.inf, triangle=True)
        for column, z in zip(hits.columns, hits.similarities, strict=True)
    ]
    assert pairs == [(i, j, want[i, j]) for i in range(61) for j in range(i + 1, 61)]


def test_a_similarity_on_the_threshold_counts() -> None:
    faces = templates(30)
    values = np.sort(similarities(faces, faces)[np.triu_indices(30, 1)])
    for least in values[::40]:
        found = sum(len(hits.columns) for hits in pairs_over(faces, faces, float(least), triangle=True))
        assert found == (values >= least).sum()


def test_it_goes_on_from_a_row() -> None:
    faces = templates(45)
    whole = list(pairs_over(faces, faces, 0.0, triangle=True))
    rest = list(pairs_over(faces, faces, 0.0, triangle=True, start=20))
    assert [(h.row, h.columns.tolist(), h.similarities.tolist()) for h in rest] == [
        (h.row, h.columns.tolist(), h.similarities.tolist()) for h in whole[20:]
    ]
    assert all(a.row + 1 == b.row for a, b in pairwise(rest))
