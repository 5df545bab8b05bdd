"""Groups of people who are alike, and how often strangers within them match."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.recognition.people import LFW, SOUTH_ASIA, LabelledPhoto, numbered
from senseid_engine.calibration.pairs import ListedPairs, PairScores, bands, gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.recipes.recognition.encode import Encoded

ROWS = 1024


def _one_sex(photo: LabelledPhoto) -> str | None:
    return photo.sex or None


@dataclass(frozen=True, slots=True)
class Group:
    """People who have something in common.

    Attributes:
        belongs: whether a photo, with what covers its face, is of this group.
        within: people are compared with those of the same value; None: with nobody.
    """

    belongs: Callable[[LabelledPhoto, str], bool]
    within: Callable[[LabelledPhoto], str | None] = lambda _: "all"


FITTED: dict[str, Group] = {
    "LFW, anybody": Group(lambda p, c: p.set == LFW and not c),
    "East Asian, one sex (LFW)": Group(lambda p, c: p.set == LFW and p.origin == "East Asian" and not c, _one_sex),
    "South Asian women": Group(lambda p, _: p.set == SOUTH_ASIA and p.sex == "female", _one_sex),
    "South Asian men": Group(lambda p, _: p.set == SOUTH_ASIA and p.sex == "male", _one_sex),
    "Black members of a congress": Group(lambda p, _: p.set == "congress" and p.origin == "Black"),
    "both wear a mask (drawn, LFW)": Group(lambda _, c: c == "mask"),
    "both wear sunglasses (drawn, LFW)": Group(lambda _, c: c == "sunglasses"),
}
"""What is fitted: the curve to anybody, its exponent to the mean of the others, who are alike."""

JUDGED: dict[str, Group] = {
    "South Asian, one sex": Group(lambda p, _: p.set == SOUTH_ASIA, _one_sex),
    "South Asian, one sex and region": Group(lambda p, _: p.set == SOUTH_ASIA, lambda p: p.sex + p.region),
    "other members of a congress": Group(lambda p, _: p.set == "congress" and not p.origin),
    "Black women": Group(lambda p, _: p.set == "utk" and p.age == "adult" and p.sex == "female", _one_sex),
    "Black men": Group(lambda p, _: p.set == "utk" and p.age == "adult" and p.sex == "male", _one_sex),
    "children of 4 to 12": Group(lambda p, _: p.age == "child"),
    "people of 70 and over": Group(lambda p, _: p.age == "old"),
    "rappers, singers, athletes": Group(lambda p, _: p.set in ("rappers", "singers", "sport")),
}
"""Groups that are only judged by it. Of `utk` nothing is ever fitted on."""


def pairs_of(encoded: Encoded, photos: Sequence[LabelledPhoto], name: str) -> PairScores:
    """The pairs of strangers of one group.

    Args:
        encoded: embeddings, and what covers the faces.
        photos: the same photos, with the corrections.
        name: of `FITTED` or `JUDGED`.
    """
    group = (FITTED | JUDGED)[name]
    person = numbered(photos)
    rows_of: dict[str, list[int]] = {}
    for row, (photo, covering) in enumerate(zip(photos, encoded.covering.tolist(), strict=True)):
        value = group.within(photo) if group.belongs(photo, covering) else None
        if value is not None:
            rows_of.setdefault(value, []).append(row)
    nothing = ListedPairs(np.zeros(0, np.int32), np.zeros(0, np.int32))
    embeddings = encoded.embeddings
    return PairScores.joined(
        [
            gather(person[rows], bands(embeddings[rows], lambda a, b: a @ b.T, rows=ROWS), nothing).impostor
            for rows in rows_of.values()
        ]
    )
