"""Cohorts made of the set's own people."""

from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.calibration.cohort_fit import fit_cohort
from senseid_engine.calibration.own_cohort import cohort_of, renormalise
from senseid_engine.embed import unit
from senseid_engine.errors import CalibrationError
from senseid_engine.recognition import Part
from senseid_engine.template import Template, normalised_similarities

PARTS = (Part("first", 0.8, 40.0), Part("second", 0.2, 0.0))
RNG = np.random.default_rng(0)
PERSON_OF = np.repeat(np.array([9, 4, 30, 7, 2, 11, 5, 21, 3, 8, 40, 41], np.int32), 2)
RNG.shuffle(PERSON_OF)
TEMPLATES = [
    Template(tuple(unit(RNG.normal(size=size).astype(np.float32)) for size in (16, 5)), 0.25, 0.5) for _ in PERSON_OF
]
OTHERS = np.array([2, 3, 4, 5, 7, 8, 9, 11, 21])


def test_it_learns_from_all_photos_of_these_people_and_of_nobody_else() -> None:
    rows = [row for row, person in enumerate(PERSON_OF.tolist()) if person in OTHERS.tolist()]
    assert len(rows) == 18
    known = fit_cohort(np.stack([TEMPLATES[row].fused(PARTS) for row in rows]), PERSON_OF[rows], nearest=5)
    assert cohort_of(OTHERS, TEMPLATES, PERSON_OF, PARTS, nearest=5).dump() == known.dump()

    strangers = [row for row in range(len(TEMPLATES)) if row not in rows]
    changed = [TEMPLATES[0 if row in strangers else row] for row in range(len(TEMPLATES))]
    assert cohort_of(OTHERS, changed, PERSON_OF, PARTS, nearest=5).dump() == known.dump()


def test_the_statistics_that_templates_had_do_not_matter() -> None:
    bare = [Template(template.embeddings, 0.0, 1.0) for template in TEMPLATES]
    first, second = (cohort_of(OTHERS, some, PERSON_OF, PARTS, nearest=5) for some in (TEMPLATES, bare))
    assert first.dump() == second.dump()


def test_the_same_faces_are_normalised_anew() -> None:
    cohort = cohort_of(OTHERS, TEMPLATES, PERSON_OF, PARTS, nearest=5)
    again = renormalise(cohort, TEMPLATES, PARTS)
    for old, new in zip(TEMPLATES, again, strict=True):
        assert new.embeddings is old.embeddings
        assert (new.mean, new.deviation) == cohort.statistics(old.fused(PARTS))
        assert (old.mean, old.deviation) == (0.25, 0.5)
    assert renormalise(cohort, [], PARTS) == []
    z = normalised_similarities(again[:3], again[3:], PARTS)
    assert not np.allclose(z, normalised_similarities(TEMPLATES[:3], TEMPLATES[3:], PARTS))


def test_too_few_people_for_a_cohort() -> None:
    with pytest.raises(CalibrationError, match="2 people cannot stand for strangers, 115 are needed"):
        cohort_of(np.array([2, 7]), TEMPLATES, PERSON_OF, PARTS, nearest=100)
