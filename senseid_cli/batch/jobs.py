"""The jobs: which columns of a manifest name photos, what is done with each, and what a row's result is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid_cli.batch.work import CheckLiveness, Encode, EncodeLive, MeasureQuality
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from senseid_cli.batch.work import Encoded, Work
    from senseid_engine.batch.scorer import Scorer
    from senseid_engine.photo_options import PhotoOptions


@dataclass(frozen=True, slots=True)
class Settings:
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
        conclude: makes the result of a row of what came of its photos and videos, in the order of `works`.
    """

    name: str
    columns: tuple[str, ...]
    works: Mapping[str, Work]
    conclude: Callable[[Sequence[Any]], dict[str, Any]]


def compare(settings: Settings, scorer: Scorer) -> Job:
    """Compare the largest face of one photo with that of another."""

    def conclude(outcomes: Sequence[Encoded]) -> dict[str, Any]:
        first, second = outcomes
        score = scorer.scores(first.templates, second.templates)[0][0]
        return {"verification_score": score, "match": score >= settings.threshold}

    work = settings.encode(Capability.COMPARE)
    return Job("compare", ("verification_score", "match"), {"first": work, "second": work}, conclude)


def omni(settings: Settings, scorer: Scorer) -> Job:
    """Compare every face of one photo with every face of another."""

    def conclude(outcomes: Sequence[Encoded]) -> dict[str, Any]:
        first, second = outcomes
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


def quality(settings: Settings, _: Scorer) -> Job:
    """Measure the quality of every face of a photo."""
    return Job("quality", ("faces",), {"photo": MeasureQuality(settings.photos.auto_rotate)}, _only)


def liveness(_: Settings, __: Scorer) -> Job:
    """Check whether a video shows a living person."""
    return Job("liveness", _LIVENESS_COLUMNS, {"video": CheckLiveness()}, _only)


def verify(settings: Settings, scorer: Scorer) -> Job:
    """Compare the living person of a video with a photo."""

    def conclude(outcomes: Sequence[Any]) -> dict[str, Any]:
        photo, live = outcomes
        if not live.templates:
            return {**live.facts, "match": False}
        score = scorer.vote(live.templates, photo.templates)
        return {**live.facts, "verification_score": score, "match": score >= settings.threshold}

    columns = (*_LIVENESS_COLUMNS, "verification_score", "match")
    # The photo comes first: whether it is refused does not depend on the video.
    works: dict[str, Work] = {"photo": settings.encode(Capability.VERIFY), "video": EncodeLive()}
    return Job("verify", columns, works, conclude)


def _only(outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return outcomes[0]


_LIVENESS_COLUMNS = ("passed", "liveness_score", "liveness_status", "image_timestamp")

JOBS: Mapping[str, Callable[[Settings, Scorer], Job]] = {
    job.__name__: job for job in (compare, omni, quality, liveness, verify)
}
"""Every job by the name of its task."""
