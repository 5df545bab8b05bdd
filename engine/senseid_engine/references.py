"""Several photos of one person as one reference: a face has one similarity to all of them together.

It is the mean of the similarities to the photos, divided by the square root of the length of the mean of their
embeddings. The plain mean strays less than the similarity to one photo, for strangers as for the person, so that the
curve of single photos asks too much of it. The cosine to the mean embedding, which divides by the whole length, strays
more, and lets more strangers in with each photo. Half of the way, in powers, strangers of LFW reach each score as often
as with one photo or less often, with 2, 3, 5 and 10 photos: the one curve serves any number of them, and nothing is
fitted. `python -m tests.bench.references` measures it by group; docs/threshold.md. A photo that is given twice changes
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.errors import DifferentPeopleError
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_engine.template import Template, similarities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles
    from senseid_engine.curve import ScoreCurve

SAME_PERSON: Final = 0.5
"""The score that each photo must reach against all others together. A stranger reaches it once in 100 times."""

_LEAST_LENGTH: Final = 1e-6


@dataclass(frozen=True, slots=True)
class References:
    """Photos that show one person, as far as their faces tell. They are personal data.

    Attributes:
        templates: one per photo, at least one.
        agreement: the square root of the length of the mean embedding, in (0, 1]; 1 for a single photo.
    """

    templates: tuple[Template, ...]
    agreement: float

    @classmethod
    def of(cls, templates: Sequence[Template], names: Sequence[str], curve: ScoreCurve) -> References:
        """Take photos as those of one person.

        Args:
            templates: one per photo, at least one.
            names: what the caller calls each photo, for messages.
            curve: from similarity to score.

        Raises:
            DifferentPeopleError: a photo does not show the person of the others.
            ValueError: there are more than `MOST_REFERENCES`.
        """
        if len(templates) > MOST_REFERENCES:
            raise ValueError(f"{len(templates)} photos of one person are too many: at most {MOST_REFERENCES}")
        among = similarities(templates, templates)
        if len(templates) > 1:
            _check(among, names, curve)
        return cls(tuple(templates), _agreement(among))

    def similarity(self, faces: Sequence[Template]) -> float:
        """The similarity before calibration, in [-1, 1], of one face to the person; that of frames is their mean.

        It does not depend on the order of either, to the bit.

        Args:
            faces: templates of one face, at least one.
        """
        return _mean(similarities(faces, self.templates)) / self.agreement

    def score(self, faces: Sequence[Template], curve: ScoreCurve) -> float:
        """The score, in [0, 1], of one face, or of frames of one face by the mean of their similarities.

        The curve was made for single photos. Frames of one clip differ in pose and blur, so their mean strays less than
        one of them, and a stranger reaches a score at most as often as the curve says.

        Args:
            faces: templates of one face, at least one.
            curve: from similarity to score.
        """
        return curve.score(self.similarity(faces))


def _mean(values: Doubles) -> float:
    # An exact sum has no order.
    return math.fsum(values.ravel().tolist()) / values.size


def _agreement(among: Doubles) -> float:
    """Of the similarities of photos among themselves, float64 (photos, photos).

    Those of a photo with itself are 1: rounding would let the score of a single photo differ from that of a pair.
    """
    photos = len(among)
    pairs = among[np.triu_indices(photos, 1)]
    squared_length = (photos + 2 * math.fsum(pairs.tolist())) / photos**2
    # Of faces that are opposite to each other there is no mean; whatever is said of it, they are no one person.
    return math.sqrt(math.sqrt(max(squared_length, _LEAST_LENGTH)))


def _check(among: Doubles, names: Sequence[str], curve: ScoreCurve) -> None:
    """Look at each photo against all others."""
    scores = []
    for photo in range(len(among)):
        rest = np.delete(np.arange(len(among)), photo)
        scores.append(curve.score(_mean(among[photo, rest]) / _agreement(among[np.ix_(rest, rest)])))
    # Of two photos each is as alike to the other: the later one is named.
    worst = len(scores) - 1 - int(np.argmin(scores[::-1]))
    if scores[worst] < SAME_PERSON:
        others = names[0] if len(names) == 2 else f"the {len(names) - 1} others"
        score = math.floor(scores[worst] * 100) / 100
        raise DifferentPeopleError(
            names[worst], f"shows another person than {others} (score {score:.2f}): give photos of one person"
        )
