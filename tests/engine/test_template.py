"""Faces as they are compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from senseid_engine.embed import unit
from senseid_engine.template import Template, similarities

RNG = np.random.default_rng(11)


def templates(count: int) -> list[Template]:
    return [Template(unit(RNG.normal(size=128).astype(np.float32))) for _ in range(count)]


FACES = templates(9)
OTHERS = templates(5)


def test_the_similarity_is_the_cosine() -> None:
    z = similarities(FACES, OTHERS)
    assert z.shape == (9, 5)
    assert z.dtype == np.float64
    for i, x in enumerate(FACES):
        for j, y in enumerate(OTHERS):
            cosine = math.fsum(a * b for a, b in zip(x.embedding.tolist(), y.embedding.tolist(), strict=True))
            assert z[i, j] == pytest.approx(cosine, rel=1e-12, abs=1e-12)


def test_a_face_is_most_like_itself() -> None:
    z = similarities(FACES, FACES)
    np.testing.assert_allclose(np.diag(z), 1, atol=1e-6)
    assert (z.argmax(axis=1) == np.arange(9)).all()


def test_symmetric_to_the_bit() -> None:
    np.testing.assert_array_equal(similarities(FACES, OTHERS), similarities(OTHERS, FACES).T)
    among = similarities(FACES, FACES)
    np.testing.assert_array_equal(among, among.T)


def test_a_pair_does_not_know_which_others_are_compared() -> None:
    whole = similarities(FACES, OTHERS)
    for i, x in enumerate(FACES):
        for j, y in enumerate(OTHERS):
            assert similarities([x], [y])[0, 0] == whole[i, j]
    shuffled = RNG.permutation(len(FACES))
    np.testing.assert_array_equal(similarities([FACES[i] for i in shuffled], OTHERS[::-1]), whole[shuffled][:, ::-1])


def test_a_printed_template_tells_nothing_about_the_face() -> None:
    face = FACES[0]
    for text in (repr(face), str(face), f"{[face]}", f"{face!r}"):
        assert "Template(<128 numbers>)" in text
        assert "." not in text
