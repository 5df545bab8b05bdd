"""The cohorts of a set that brings its own: strangers are the other people of the set.

A shipped cohort made from the people of the set would know them, and flatter its own rates. So every pair meets a
cohort without its people (`tiles.OwnCohort`). These cohorts live in memory for the length of one run and are never
written, so they need not hide whom they were made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from senseid_engine.cohort import Cohort
from senseid_engine.errors import CalibrationError
from senseid_engine.template import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats


def cohort_of(
    people: npt.NDArray[np.int64], templates: Sequence[Template], person_of: npt.NDArray[np.int32], *, nearest: int
) -> Cohort:
    """A cohort of one photo of each person: their first.

    Args:
        people: int64 (n,), the people it is made of; each has a template.
        templates: one a photo of the set.
        person_of: int32 (photos,), the person of each template.
        nearest: how many of the most similar strangers the statistics are taken over.

    Raises:
        CalibrationError: there are fewer people than that.
    """
    if len(people) < nearest:
        problem = f"{len(people)} people cannot stand for strangers, {nearest} are needed: add people, or leave it out"
        raise CalibrationError("own cohort", problem)
    present, first = np.unique(person_of, return_index=True)
    chosen = first[np.searchsorted(present, people)]
    parts = zip(*(templates[photo].embeddings for photo in chosen), strict=True)
    return Cohort(tuple(np.stack(part) for part in parts), nearest)


def renormalise(cohort: Cohort, templates: Sequence[Template]) -> list[Template]:
    """The same faces, normalised by another cohort."""
    return [_renormalised(cohort, template.embeddings) for template in templates]


def _renormalised(cohort: Cohort, embeddings: tuple[Floats, ...]) -> Template:
    statistics = [cohort.statistics(part, embedding) for part, embedding in enumerate(embeddings)]
    means, deviations = zip(*statistics, strict=True)
    return Template(embeddings, means, deviations)
