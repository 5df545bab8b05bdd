"""All pairs in blocks are to the bit those that the engine gives one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from senseid_engine.batch import all_pairs
from senseid_engine.batch.all_pairs import pairs_over
from senseid_engine.batch.pack import Pack, approximate
from senseid_engine.recognition import Part
from senseid_engine.template import Template, normalised_similarities

PARTS = (Part("a", 0.7, 40.0), Part("b", 0.3, 0.0))


def templates(count: int, seed: int = 0, dimensions: tuple[int, ...] = (128, 1024)) -> list[Template]:
    rng = np.random.default_rng(seed)
    people = [rng.normal(size=(max(1, count // 3), size)) for size in dimensions]
    made = []
    for _ in range(count):
        person = rng.integers(len(people[0]))
        vectors = [p[person] + 0.8 * rng.normal(size=p.shape[1]) for p in people]
        unit = tuple((v / np.linalg.norm(v)).astype(np.float32) for v in vectors)
        made.append(Template(unit, float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.02, 0.05))))
    return made


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks in both directions, with a remainder."""
    monkeypatch.setattr(all_pairs, "ROWS", 16)
    monkeypatch.setattr(all_pairs, "COLUMNS", 24)


def test_the_error_is_within_its_bound_and_not_far_below() -> None:
    first, second = templates(120), templates(90, seed=1)
    near, bound = approximate(Pack.of(first, PARTS), Pack.of(second, PARTS))
    error = np.abs(near - normalised_similarities(first, second, PARTS)).max()
    assert 0 < error <= bound
    # A careless bound would let everything through, and all of it would be worked out twice.
    assert bound < 0.05


@pytest.mark.parametrize("quantile", [0.0, 0.5, 0.99])
def test_all_of_one_set_against_all_of_another(quantile: float) -> None:
    first, second = templates(50), templates(70, seed=1)
    want = normalised_similarities(first, second, PARTS)
    least = float(np.quantile(want, quantile))
    got = list(pairs_over(Pack.of(first, PARTS), Pack.of(second, PARTS), PARTS, least))
    assert [hits.row for hits in got] == list(range(50))
    for hits in got:
        columns = np.flatnonzero(want[hits.row] >= least)
        assert hits.columns.tolist() == columns.tolist()
        assert hits.similarities.tolist() == want[hits.row, columns].tolist()


def test_each_pair_of_one_set_once() -> None:
    faces = templates(61)
    pack = Pack.of(faces, PARTS)
    want = normalised_similarities(faces, faces, PARTS)
    pairs = [
        (hits.row, int(column), float(z))
        for hits in pairs_over(pack, pack, PARTS, -np.inf, triangle=True)
        for column, z in zip(hits.columns, hits.similarities, strict=True)
    ]
    assert pairs == [(i, j, want[i, j]) for i in range(61) for j in range(i + 1, 61)]


def test_a_similarity_on_the_threshold_counts() -> None:
    faces = templates(30)
    pack = Pack.of(faces, PARTS)
    values = np.sort(normalised_similarities(faces, faces, PARTS)[np.triu_indices(30, 1)])
    for least in values[::40]:
        found = sum(len(hits.columns) for hits in pairs_over(pack, pack, PARTS, float(least), triangle=True))
        assert found == (values >= least).sum()


def test_it_goes_on_from_a_row() -> None:
    faces = templates(45)
    pack = Pack.of(faces, PARTS)
    whole = list(pairs_over(pack, pack, PARTS, 0.0, triangle=True))
    rest = list(pairs_over(pack, pack, PARTS, 0.0, triangle=True, start=20))
    assert [(h.row, h.columns.tolist(), h.similarities.tolist()) for h in rest] == [
        (h.row, h.columns.tolist(), h.similarities.tolist()) for h in whole[20:]
    ]
    assert all(a.row + 1 == b.row for a, b in pairwise(rest))


def test_a_model_without_affinity_alone() -> None:
    parts = (Part("only", 1.0, 0.0),)
    faces = templates(20, dimensions=(64,))
    pack = Pack.of(faces, parts)
    want = normalised_similarities(faces, faces, parts)
    (first, *_) = pairs_over(pack, pack, parts, -np.inf)
    assert first.similarities.tolist() == want[0].tolist()


def test_it_does_not_show_its_templates() -> None:
    assert repr(Pack.of(templates(3), PARTS)) == "Pack(<3 templates>)"
