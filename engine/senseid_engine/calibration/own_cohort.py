"""The cohorts of a set that brings its own: strangers are the other people of the set.

A shipped cohort learned from the people of the set would know them, and flatter its own rates. So every pair meets a
cohort learned without its people (`tiles.OwnCohort`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.calibration.cohort_fit import fit_cohort
from senseid_engine.calibration.tiles import OwnCohort, tile_with_own_cohort
from senseid_engine.template import normalised_similarities

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from senseid_engine.calibration.tiles import Tiled
    from senseid_engine.cohort import Cohort
    from senseid_engine.recognition import Part, Recognition
    from senseid_engine.template import Template


def tile_by_others(
    templates: Sequence[Template],
    person_of: npt.NDArray[np.int32],
    recognition: Recognition,
    *,
    groups: int,
    rng: np.random.Generator,
) -> Tiled:
    """Compares every template with every later one, each pair normalised by a cohort learned without its people.

    Args:
        templates: one a photo of the set.
        person_of: int32 (photos,), the person of each.
        recognition: how their embeddings become one number.
        groups: number of random groups that the people are put into.
        rng: where the groups come from.

    Raises:
        CalibrationError: there are too few people, now or when the tiles are made.
    """
    parts = recognition.parts
    own = OwnCohort(
        groups=groups,
        cohort_of=lambda others: cohort_of(others, templates, person_of, parts, nearest=recognition.nearest),
        renormalise=lambda cohort, some: renormalise(cohort, some, parts),
    )
    return tile_with_own_cohort(templates, person_of, own, lambda a, b: normalised_similarities(a, b, parts), rng)


def cohort_of(
    people: npt.NDArray[np.int64],
    templates: Sequence[Template],
    person_of: npt.NDArray[np.int32],
    parts: Sequence[Part],
    *,
    nearest: int,
) -> Cohort:
    """Learn a cohort from the photos of some people.

    Args:
        people: int64 (n,), the people it is learned from; each has a template.
        templates: one a photo of the set.
        person_of: int32 (photos,), the person of each template.
        parts: the models, in the order of the templates' embeddings.
        nearest: how many of the most similar strangers count.

    Raises:
        CalibrationError: there are too few people.
    """
    rows = np.flatnonzero(np.isin(person_of, people))
    embeddings = np.stack([templates[row].fused(parts) for row in rows.tolist()])
    return fit_cohort(embeddings, person_of[rows], nearest=nearest)


def renormalise(cohort: Cohort, templates: Sequence[Template], parts: Sequence[Part]) -> list[Template]:
    """The same faces, normalised by another cohort."""
    renormalised = []
    for template in templates:
        mean, deviation = cohort.statistics(template.fused(parts))
        renormalised.append(replace(template, mean=mean, deviation=deviation))
    return renormalised
