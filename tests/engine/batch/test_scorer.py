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
    one, other = (engine.encode_largest(photo)[1] for photo in (first, second))
    assert scorer.scores([one], [other]) == [[engine.compare(first, second).score]]
    assert scorer.score(scorer.references([one], ["one"]), [other]) == engine.compare(first, second).score
    _, faces = engine.encode_all(two_men)
    assert tuple(map(tuple, scorer.scores(faces, [one]))) == engine.omni(two_men, first).scores
