"""Scores of templates, without any model: combines what many machines encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.engine import read_curve
from senseid_engine.recognition import Recognition
from senseid_engine.references import References
from senseid_engine.template import similarities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.curve import ScoreCurve
    from senseid_engine.template import Template
    from senseid_models.registry import Registry


@dataclass(frozen=True, slots=True)
class Scorer:
    """Gives the scores that `Engine.compare` and `Engine.omni` give.

    Attributes:
        curve: from similarity to score.
    """

    curve: ScoreCurve

    @classmethod
    def open(cls, registry: Registry) -> Scorer:
        """Read the two data files of the registry.

        Raises:
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a file cannot be used.
        """
        return cls(read_curve(registry.asset(Recognition.load(registry).curve)))

    def scores(self, first: Sequence[Template], second: Sequence[Template]) -> list[list[float]]:
        """The scores, in [0, 1], one row per template of the first."""
        z = similarities(first, second)
        return [[self.curve.score(float(value)) for value in row] for row in z]

    def references(self, templates: Sequence[Template], names: Sequence[str]) -> References:
        """Take photos as those of one person; see `References.of`.

        Raises:
            DifferentPeopleError: a photo does not show the person of the others.
        """
        return References.of(templates, names, self.curve)

    def score(self, references: References, faces: Sequence[Template]) -> float:
        """The score, in [0, 1], of one face, or of the frames of a living one, against the photos of a person."""
        return references.score(faces, self.curve)
