"""Scores of templates, without any model: combines what many machines encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.engine import read_curve
from senseid_engine.liveness.verify import vote
from senseid_engine.recognition import Recognition
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

    def vote(self, live: Sequence[Template], photo: Sequence[Template]) -> float:
        """The score, in [0, 1], of the frames of a living person against the one template of a photo."""
        return vote(self.curve, similarities(live, photo))
