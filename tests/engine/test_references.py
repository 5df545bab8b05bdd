"""Several photos of one person: one similarity, whatever their order, and no photo of somebody else among them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.engine import read_curve
from senseid_engine.errors import DifferentPeopleError
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_engine.recognition import Recognition
from senseid_engine.references import SAME_PERSON, References
from senseid_engine.template import Template, similarities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.curve import ScoreCurve
    from senseid_models.registry import Registry

DIMENSIONS = 128
NAMES = tuple(f"{i}.jpg" for i in range(MOST_REFERENCES + 1))


@pytest.fixture(scope="module")
def curve(registry: Registry) -> ScoreCurve:
    return read_curve(registry.asset(Recognition.load(registry).curve))


def photos(person: int, count: int, spread: float = 0.7) -> list[Template]:
    """Photos of a made-up person: a direction, and noise of that length beside it."""
    rng = np.random.default_rng(person)
    face = rng.normal(size=DIMENSIONS)
    noise = rng.normal(size=(count, DIMENSIONS)) * spread
    return [Template((row / np.linalg.norm(row)).astype(np.float32)) for row in face + noise]


def check(templates: Sequence[Template], curve: ScoreCurve) -> References:
    return References.of(templates, NAMES[: len(templates)], curve)


def test_one_photo_is_a_pair(curve: ScoreCurve) -> None:
    one, other = photos(1, 2)
    alone = check([one], curve)
    assert alone.agreement == 1
    assert alone.similarity([other]) == similarities([one], [other])[0, 0]
    assert alone.similarity([other]) == check([other], curve).similarity([one])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_it_lies_between_the_mean_and_the_cosine_to_the_mean(curve: ScoreCurve, count: int) -> None:
    face, *known = photos(2, count + 1)
    mean = np.mean([template.embedding for template in known], axis=0, dtype=np.float64)
    alike = float(mean @ face.embedding.astype(np.float64))
    assert check(known, curve).similarity([face]) == pytest.approx(alike / np.sqrt(np.linalg.norm(mean)), rel=1e-6)


def test_the_order_does_not_matter_to_the_bit(curve: ScoreCurve) -> None:
    *known, face, again = photos(3, 6)
    every = {check(order, curve).similarity([face]) for order in itertools.permutations(known)}
    assert len(every) == 1
    references = check(known, curve)
    assert references.similarity([face, again]) == references.similarity([again, face])


def test_a_photo_that_is_given_twice_changes_nothing(curve: ScoreCurve) -> None:
    one, face = photos(4, 2)
    alone = check([one], curve).similarity([face])
    for times in (2, 3, MOST_REFERENCES):
        assert check([one] * times, curve).similarity([face]) == pytest.approx(alone, abs=1e-6)


def test_another_photo_of_the_person_makes_them_more_alike(curve: ScoreCurve) -> None:
    face, *known = photos(5, MOST_REFERENCES + 1)
    similarity = [check(known[:count], curve).similarity([face]) for count in (1, 3, MOST_REFERENCES)]
    assert similarity == sorted(similarity)


@pytest.mark.parametrize("count", [3, 5, MOST_REFERENCES])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_photo_of_somebody_else_is_named(curve: ScoreCurve, count: int, place: int) -> None:
    known = photos(6, count)
    check(known, curve)
    known[place] = photos(7, 1)[0]
    with pytest.raises(DifferentPeopleError) as caught:
        check(known, curve)
    assert caught.value.name == NAMES[:count][place]
    assert f"another person than the {count - 1} others (score 0." in caught.value.problem


def test_of_two_photos_both_are_named(curve: ScoreCurve) -> None:
    with pytest.raises(DifferentPeopleError, match=r"^1\.jpg: shows another person than 0\.jpg \(score 0\.[0-4]\d\)"):
        check([*photos(8, 1), *photos(9, 1)], curve)


def test_the_limit_is_a_score(curve: ScoreCurve) -> None:
    one = photos(10, 1)[0].embedding.astype(np.float64)
    beside = np.linalg.svd(one[None])[2][1]
    for score, passes in ((SAME_PERSON - 1e-3, False), (SAME_PERSON + 1e-3, True)):
        z = curve.similarity_at(score)
        other = Template((z * one / np.linalg.norm(one) + np.sqrt(1 - z**2) * beside).astype(np.float32))
        pair = [Template(one.astype(np.float32)), other]
        if passes:
            check(pair, curve)
        else:
            with pytest.raises(DifferentPeopleError):
                check(pair, curve)


def test_faces_that_are_opposite_are_refused_and_nothing_breaks(curve: ScoreCurve) -> None:
    one, third = (template.embedding for template in photos(11, 2))
    with pytest.raises(DifferentPeopleError):
        check([Template(one), Template(-one), Template(third)], curve)


def test_too_many(curve: ScoreCurve) -> None:
    check(photos(12, MOST_REFERENCES), curve)
    with pytest.raises(ValueError, match="11 photos of one person are too many: at most 10"):
        check(photos(12, MOST_REFERENCES + 1), curve)


def test_they_do_not_show_what_they_hold(curve: ScoreCurve) -> None:
    assert "0." not in repr(check(photos(13, 2), curve).templates)
