"""The jobs: which columns of a manifest name photos, what is done with each, and what a row's result is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid_cli.batch.work import CheckLiveness, Encode, EncodeLive, MeasureQuality
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from senseid_cli.batch.work import Encoded, Work
    from senseid_engine.batch.scorer import Scorer
    from senseid_engine.photo_options import PhotoOptions
    from senseid_engine.references import References


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Settings of the command line for every row.

    Attributes:
        threshold: the score, in [0, 1], from which on it is a match.
        photos: how photos are looked at.
    """

    threshold: float
    photos: PhotoOptions

    def encode(self, capability: Capability) -> Encode:
        """The work on a photo whose faces are compared: its largest one, or for omni every one."""
        return Encode(capability != Capability.OMNI, self.photos, capability)


@dataclass(frozen=True, slots=True)
class Job:
    """The work on each row.

    Attributes:
        name: of the task.
        columns: of a row's result, in order.
        works: for each column of the manifest that names a photo or a video, the work on that file.
        conclude: makes the result of a row of what came of its photos and videos, by their columns.
        optional: columns of `works` that a manifest, or a row, may lack.
    """

    name: str
    columns: tuple[str, ...]
    works: Mapping[str, Work]
    conclude: Callable[[Mapping[str, Any]], dict[str, Any]]
    optional: frozenset[str] = frozenset()

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that every row needs."""
        return tuple(column for column in self.works if column not in self.optional)


def compare(settings: BatchSettings, scorer: Scorer) -> Job:
    """Compare the largest face of a photo with that of another, or of several of one person."""

    def conclude(outcomes: Mapping[str, Encoded]) -> dict[str, Any]:
        score = scorer.score(_references(scorer, outcomes, but="second"), outcomes["second"].templates)
        return {"verification_score": score, "match": score >= settings.threshold}

    further = _further("first")
    works = dict.fromkeys(("first", *further, "second"), settings.encode(Capability.COMPARE))
    return Job("compare", ("verification_score", "match"), works, conclude, frozenset(further))


def omni(settings: BatchSettings, scorer: Scorer) -> Job:
    """Compare every face of one photo with every face of another."""

    def conclude(outcomes: Mapping[str, Encoded]) -> dict[str, Any]:
        first, second = outcomes["first"], outcomes["second"]
        scores = scorer.scores(first.templates, second.templates)
        best = max(max(row) for row in scores)
        return {
            "best_score": best,
            "match": best >= settings.threshold,
            "scores": scores,
            "face_rects": {
                "first_image_face_rects": list(first.rects),
                "second_image_face_rects": list(second.rects),
            },
        }

    work = settings.encode(Capability.OMNI)
    return Job("omni", ("best_score", "match", "scores", "face_rects"), {"first": work, "second": work}, conclude)


def quality(settings: BatchSettings, _: Scorer) -> Job:
    """Measure the quality of every face of a photo."""
    return Job("quality", ("faces",), {"photo": MeasureQuality(settings.photos.auto_rotate)}, _only)


def liveness(_: BatchSettings, __: Scorer) -> Job:
    """Check whether a video shows a living person."""
    return Job("liveness", _LIVENESS_COLUMNS, {"video": CheckLiveness()}, _only)


def verify(settings: BatchSettings, scorer: Scorer) -> Job:
    """Compare the living person of a video with a photo, or with several of one person."""

    def conclude(outcomes: Mapping[str, Any]) -> dict[str, Any]:
        live = outcomes["video"]
        references = _references(scorer, outcomes, but="video")
        if not live.templates:
            return {**live.facts, "match": False}
        score = scorer.score(references, live.templates)
        return {**live.facts, "verification_score": score, "match": score >= settings.threshold}

    columns = (*_LIVENESS_COLUMNS, "verification_score", "match")
    further = _further("photo")
    # The photos come first: whether one is refused does not depend on the video.
    works: dict[str, Work] = dict.fromkeys(("photo", *further), settings.encode(Capability.VERIFY))
    works["video"] = EncodeLive()
    return Job("verify", columns, works, conclude, frozenset(further))


def _only(outcomes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    (outcome,) = outcomes.values()
    return outcome


def _further(column: str) -> tuple[str, ...]:
    """The columns of further photos of the person of a column."""
    return tuple(f"{column}_{i}" for i in range(2, MOST_REFERENCES + 1))


def _references(scorer: Scorer, outcomes: Mapping[str, Encoded], *, but: str) -> References:
    """The photos of all columns but one, as those of one person."""
    columns = [column for column in outcomes if column != but]
    return scorer.references([outcomes[column].templates[0] for column in columns], columns)


_LIVENESS_COLUMNS = ("passed", "liveness_score", "liveness_status", "image_timestamp")

JOBS: Mapping[str, Callable[[BatchSettings, Scorer], Job]] = {
    job.__name__: job for job in (compare, omni, quality, liveness, verify)
}
"""Every job by the name of its task."""
