"""The jobs: which columns of a manifest name photos, what is done with each, and what a row's result is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from senseid_cli.batch.work import CheckLiveness, Encode, EncodeLive, MeasureQuality
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from senseid_cli.batch.work import Encoded, Work
    from senseid_engine.batch.scorer import Scorer
    from senseid_engine.photo_options import PhotoOptions


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line sets for every row.

    Attributes:
        threshold: the score, in [0, 1], from which on it is a match.
        photos: how photos are looked at.
    """

    threshold: float
    photos: PhotoOptions

    def encode(self, capability: Capability) -> Encode:
        """What is done with a photo whose faces are compared: its largest one, or for omni every one."""
        return Encode(capability != Capability.OMNI, self.photos, capability)


class Job(Protocol):
    """What is done with each row."""

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    """The columns of a row's result, in order."""

    @property
    def works(self) -> Mapping[str, Work]:
        """For each column of the manifest that names a photo or a video: what is done with it."""

    def conclude(self, outcomes: Sequence[Any]) -> dict[str, Any]:
        """The result of a row, from what was made of its photos and videos, in the order of `works`."""


@dataclass(frozen=True, slots=True)
class Compare:
    """The largest face of one photo against that of another."""

    name: ClassVar[str] = "compare"
    columns: ClassVar[tuple[str, ...]] = ("verification_score", "match")
    settings: Settings
    scorer: Scorer

    @property
    def works(self) -> Mapping[str, Work]:
        """See `Job`."""
        work = self.settings.encode(Capability.COMPARE)
        return {"first": work, "second": work}

    def conclude(self, outcomes: Sequence[Encoded]) -> dict[str, Any]:
        """See `Job`."""
        first, second = outcomes
        score = self.scorer.scores(first.templates, second.templates)[0][0]
        return {"verification_score": score, "match": score >= self.settings.threshold}


@dataclass(frozen=True, slots=True)
class Omni:
    """Every face of one photo against every face of another."""

    name: ClassVar[str] = "omni"
    columns: ClassVar[tuple[str, ...]] = ("best_score", "match", "scores", "face_rects")
    settings: Settings
    scorer: Scorer

    @property
    def works(self) -> Mapping[str, Work]:
        """See `Job`."""
        work = self.settings.encode(Capability.OMNI)
        return {"first": work, "second": work}

    def conclude(self, outcomes: Sequence[Encoded]) -> dict[str, Any]:
        """See `Job`."""
        first, second = outcomes
        scores = self.scorer.scores(first.templates, second.templates)
        best = max(max(row) for row in scores)
        return {
            "best_score": best,
            "match": best >= self.settings.threshold,
            "scores": scores,
            "face_rects": {
                "first_image_face_rects": list(first.rects),
                "second_image_face_rects": list(second.rects),
            },
        }


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of every face of a photo."""

    name: ClassVar[str] = "quality"
    columns: ClassVar[tuple[str, ...]] = ("faces",)
    settings: Settings
    scorer: Scorer

    @property
    def works(self) -> Mapping[str, Work]:
        """See `Job`."""
        return {"photo": MeasureQuality(self.settings.photos.auto_rotate)}

    def conclude(self, outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """See `Job`."""
        return outcomes[0]


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether the person in a video is living."""

    name: ClassVar[str] = "liveness"
    columns: ClassVar[tuple[str, ...]] = ("passed", "liveness_score", "liveness_status", "image_timestamp")
    settings: Settings
    scorer: Scorer

    @property
    def works(self) -> Mapping[str, Work]:
        """See `Job`."""
        return {"video": CheckLiveness()}

    def conclude(self, outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """See `Job`."""
        return outcomes[0]


@dataclass(frozen=True, slots=True)
class Verify:
    """The living person of a video against a photo."""

    name: ClassVar[str] = "verify"
    columns: ClassVar[tuple[str, ...]] = (*Liveness.columns, "verification_score", "match")
    settings: Settings
    scorer: Scorer

    @property
    def works(self) -> Mapping[str, Work]:
        """See `Job`. The photo comes first: whether it is refused does not depend on the video."""
        return {"photo": self.settings.encode(Capability.VERIFY), "video": EncodeLive()}

    def conclude(self, outcomes: Sequence[Any]) -> dict[str, Any]:
        """See `Job`."""
        photo, live = outcomes
        if not live.templates:
            return {**live.facts, "match": False}
        score = self.scorer.vote(live.templates, photo.templates)
        return {**live.facts, "verification_score": score, "match": score >= self.settings.threshold}


JOBS: Mapping[str, Callable[[Settings, Scorer], Job]] = {
    job.name: job for job in (Compare, Omni, Quality, Liveness, Verify)
}
"""Every job by its name."""
