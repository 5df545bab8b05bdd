"""Cohorts made of the set's own people."""

from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.calibration.own_cohort import cohort_of, renormalise
from senseid_engine.errors import CalibrationError
from senseid_engine.template import Template

RNG = np.random.default_rng(0)


def template() -> Template:
    parts = [RNG.normal(size=size).astype(np.float32) for size in (16, 5)]
    return Template(tuple(part / np.linalg.norm(part) for part in parts), (0.0, 0.0), (1.0, 1.0))


PEOPLE = np.array([7, 7, 2, 5, 2, 9], np.int32)
TEMPLATES = [template() for _ in PEOPLE]


def test_it_takes_the_first_photo_of_each_person() -> None:
    cohort = cohort_of(np.array([2, 7, 9]), TEMPLATES, PEOPLE, nearest=2)
    assert cohort.nearest == 2
    for part, vectors in enumerate(cohort.vectors):
        assert (vectors == np.stack([TEMPLATES[photo].embeddings[part] for photo in (2, 0, 5)])).all()


def test_the_same_faces_are_normalised_anew() -> None:
    cohort = cohort_of(np.array([2, 5, 9]), TEMPLATES, PEOPLE, nearest=2)
    again = renormalise(cohort, TEMPLATES[:2])
    for old, new in zip(TEMPLATES[:2], again, strict=True):
        assert new.embeddings is old.embeddings
        for part, embedding in enumerate(old.embeddings):
            nearest = np.sort(cohort.vectors[part] @ embedding)[-2:]
            assert new.means[part] == pytest.approx(nearest.mean())
            assert new.deviations[part] == pytest.approx(nearest.std())


def test_too_few_people_for_a_cohort() -> None:
    with pytest.raises(CalibrationError, match="2 people cannot stand for strangers, 100 are needed"):
        cohort_of(np.array([2, 7]), TEMPLATES, PEOPLE, nearest=100)
