"""Scores without models are those of the engine, to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_engine.batch.scorer import Scorer
from senseid_engine.engine import Engine

if TYPE_CHECKING:
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


def test_scores_are_those_of_the_engine(
    registry: Registry, licences: VerifiedLicences, photos: dict[str, Image], two_men: Image
) -> None:
    engine, scorer = Engine.open(registry, licences, threads=1), Scorer.open(registry)
    first, second = photos["obama.jpg"], photos["biden.jpg"]
    templates = [engine.encode_largest(first)], [engine.encode_largest(second)]
    assert scorer.scores(*templates) == [[engine.compare(first, second).score]]
    _, faces = engine.encode(two_men, auto_rotate=False, only_largest=False, inspect=lambda image, face: None)
    assert tuple(map(tuple, scorer.scores(faces, templates[0]))) == engine.omni(two_men, first).scores
