"""Faces as they are compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from senseid_engine.cohort import Cohort
from senseid_engine.embed import unit
from senseid_engine.recognition import Part
from senseid_engine.template import Template, fuse, normalised_similarities

PARTS = (Part("first", 0.8, 40.0), Part("second", 0.2, 1.5))
RNG = np.random.default_rng(11)


def embeddings() -> tuple[np.ndarray, ...]:
    return tuple(unit(RNG.normal(size=size).astype(np.float32)) for size in (128, 1024))


def templates(count: int) -> list[Template]:
    return [Template(embeddings(), RNG.uniform(0.2, 0.4), RNG.uniform(0.01, 0.05)) for _ in range(count)]


FACES = templates(9)
OTHERS = templates(5)


def test_the_formula() -> None:
    z = normalised_similarities(FACES, OTHERS, PARTS)
    assert z.shape == (9, 5)
    assert z.dtype == np.float64
    for i, x in enumerate(FACES):
        for j, y in enumerate(OTHERS):
            cosines = [
                math.fsum(a * b for a, b in zip(p.tolist(), q.tolist(), strict=True))
                for p, q in zip(x.embeddings, y.embeddings, strict=True)
            ]
            s = 0.8 * cosines[0] + 0.2 * cosines[1]
            known = ((s - x.mean) / x.deviation + (s - y.mean) / y.deviation) / 2 + 40 * cosines[0] + 1.5 * cosines[1]
            assert z[i, j] == pytest.approx(known, rel=1e-12, abs=1e-12)


def test_symmetric_to_the_bit() -> None:
    np.testing.assert_array_equal(
        normalised_similarities(FACES, OTHERS, PARTS), normalised_similarities(OTHERS, FACES, PARTS).T
    )
    among = normalised_similarities(FACES, FACES, PARTS)
    np.testing.assert_array_equal(among, among.T)


def test_a_pair_does_not_know_which_others_are_compared() -> None:
    whole = normalised_similarities(FACES, OTHERS, PARTS)
    for i, x in enumerate(FACES):
        for j, y in enumerate(OTHERS):
            assert normalised_similarities([x], [y], PARTS)[0, 0] == whole[i, j]
    shuffled = RNG.permutation(len(FACES))
    np.testing.assert_array_equal(
        normalised_similarities([FACES[i] for i in shuffled], OTHERS[::-1], PARTS), whole[shuffled][:, ::-1]
    )


def test_more_alike_is_higher_and_strangers_of_everybody_are_asked_less() -> None:
    x, y = FACES[0], FACES[1]
    z = normalised_similarities([x], [x, y], PARTS)[0]
    assert z[0] > z[1]
    common = Template(y.embeddings, y.mean + 0.1, y.deviation)
    assert normalised_similarities([x], [common], PARTS)[0, 0] < z[1]


def test_the_cosine_of_fused_embeddings_is_the_weighted_mean_of_the_cosines() -> None:
    x, y = FACES[0], FACES[1]
    fused = x.fused(PARTS)
    assert fused.dtype == np.float32
    assert fused.shape == (128 + 1024,)
    assert np.linalg.norm(fused) == pytest.approx(1, abs=1e-6)
    weighted = sum(part.weight * float(a @ b) for part, a, b in zip(PARTS, x.embeddings, y.embeddings, strict=True))
    assert float(fused @ y.fused(PARTS)) == pytest.approx(weighted, abs=1e-6)
    np.testing.assert_array_equal(fused, fuse(x.embeddings, PARTS))


def test_as_many_embeddings_as_parts() -> None:
    with pytest.raises(ValueError, match="zip"):
        fuse(FACES[0].embeddings[:1], PARTS)


def test_a_template_takes_its_statistics_from_the_cohort() -> None:
    size = 128 + 1024
    basis = np.linalg.qr(RNG.normal(size=(size, 4)))[0].T.astype(np.float32)
    cohort = Cohort(
        centre=np.zeros(size, np.float32),
        basis=basis,
        crossed=np.array(2),
        coefficients=RNG.normal(size=(4 + 4 + 1 + 1, 2)),
        intercept=np.array([0.3, -3.0]),
        bounds=np.array([[-50.0, 50.0], [-50.0, 50.0]]),
    )
    made = Template.of(FACES[0].embeddings, PARTS, cohort)
    assert made.embeddings is FACES[0].embeddings
    assert (made.mean, made.deviation) == cohort.statistics(FACES[0].fused(PARTS))


def test_a_printed_template_tells_nothing_about_the_face() -> None:
    face = FACES[0]
    for text in (repr(face), str(face), f"{[face]}", f"{face!r}"):
        assert "Template(<2 embeddings>)" in text
        assert "." not in text


def test_without_a_cohort_the_similarity_is_the_cosine() -> None:
    rng = np.random.default_rng(5)
    embeddings = rng.normal(size=(4, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    parts = (Part("one", weight=1.0, affinity=0.0),)
    templates = [Template.of((embedding,), parts, None) for embedding in embeddings]
    np.testing.assert_allclose(
        normalised_similarities(templates, templates, parts), embeddings @ embeddings.T, atol=1e-6
    )
