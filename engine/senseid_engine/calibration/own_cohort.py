"""The cohorts of a set that brings its own: strangers are the other people of the set.

A shipped cohort learned from the people of the set would know them, and flatter its own rates. So every pair meets a
cohort learned without its people (`tiles.OwnCohort`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.calibration.cohort_fit import fit_cohort

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from senseid_engine.cohort import Cohort
    from senseid_engine.recognition import Part
    from senseid_engine.template import Template


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
