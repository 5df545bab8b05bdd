"""Results of the liveness check: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.results import FoundFaces


OUT_OF_REACH: Final = (
    "video that is injected, generated or in which a face was swapped moves and looks like a living person: most of it "
    "passes (19 of 25 clips that nobody had tuned to)"
)
"""The limits of the check, for whoever reads its evidence; docs/models/liveness.md has the measurement."""


class Status(StrEnum):
    """Why the check passed or failed, in the words of the HTTP API.

    `SHORT_TIME`: the face is seen too briefly, or in too few frames a second, for a verdict.
    """

    OK = "ok"
    HACK = "hack"
    SHORT_TIME = "short_time"


@dataclass(frozen=True, slots=True)
class FrameScore:
    """The answer of the stills classifier for one frame.

    Attributes:
        timestamp: seconds since the first frame of the video.
        bona_fide: probability that the frame shows a face and not a picture of one, in [0, 1].
    """

    timestamp: float
    bona_fide: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence for the verdict.

    Attributes:
        name: what was measured, such as `stills`.
        value: what was found, in the measure's own unit.
        weight: what it adds to the logarithm of the odds that the person is living: below 0 it speaks of an attack.
    """

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class SelectedFrame:
    """A frame of the video that shows the face well.

    Attributes:
        timestamp: seconds since the first frame of the video.
        quality: of the face, in [0, 1].
        image: the frame, upright. It is personal data.
        face: the face, in pixels of the frame.
    """

    timestamp: float
    quality: float
    image: Image = field(repr=False)
    face: Face = field(repr=False)


@dataclass(frozen=True, slots=True)
class LivenessResult:
    """The answer of the liveness check of one video.

    Attributes:
        name: what the caller calls the video.
        passed: whether the person is living.
        score: the liveness score, in [0, 1].
        status: why.
        selected: the frames that show the face best, the best first, apart in time; at least one, at most
            `selection.MOST_SELECTED`. Only of a check that passed they are those of a living person.
        frames: what the stills classifier says of each frame that it saw, in order.
        evidence: what the verdict was made of, in a fixed order.
        threshold: the score from which on the check passes.
        stills_needed: what the mean of the frames must reach for that, with the rest of the evidence as it is; in
            [0, 1], None where no frames could.
        face_seconds: how long the face was seen.
        looked_at: how many frames were looked at.
        other_faces: how many other faces were followed.
        width: of a frame, pixels, upright.
        height: of a frame, pixels, upright.
        one_person: False where the frames that were to be compared with a photo show different people: then the check
            did not pass, whatever its score.
    """

    name: str
    passed: bool
    score: float
    status: Status
    selected: tuple[SelectedFrame, ...] = field(repr=False)
    frames: tuple[FrameScore, ...]
    evidence: tuple[Evidence, ...]
    threshold: float
    stills_needed: float | None
    face_seconds: float
    looked_at: int
    other_faces: int
    width: int
    height: int
    one_person: bool = True

    @property
    def best(self) -> SelectedFrame:
        """The selected frame."""
        return self.selected[0]

    @property
    def ranked_evidence(self) -> tuple[Evidence, ...]:
        """The evidence, what decided first: what speaks for the side of the score most strongly, then the opposite."""
        side = 1 if self.score >= self.threshold else -1
        return tuple(sorted(self.evidence, key=lambda piece: -side * piece.weight))


@dataclass(frozen=True, slots=True)
class PhotoLiveness:
    """The answer of the liveness check of one photo: by its texture alone, so it proves less than that of a video.

    Attributes:
        passed: whether the face looks like a person's and not like one on paper or on a screen.
        score: the liveness score, in [0, 1].
        threshold: the score from which on the check passes.
        found: faces of the photo; face 0 was checked.
    """

    passed: bool
    score: float
    threshold: float
    found: FoundFaces

    @property
    def status(self) -> Status:
        """Why the check passed or failed."""
        return Status.OK if self.passed else Status.HACK


@dataclass(frozen=True, slots=True)
class VideoVerification:
    """The answer of a comparison of the person in a video with a photo.

    Attributes:
        liveness: the liveness check of the video.
        score: calibrated verification score, in [0, 1]; None where the check did not pass.
        photo: faces of the photo; face 0 was compared.
        frames: how many frames were compared; 0 where the check did not pass.
        further: faces of each further photo of the person, likewise.
    """

    liveness: LivenessResult
    score: float | None
    photo: FoundFaces
    frames: int
    further: tuple[FoundFaces, ...] = ()


@dataclass(frozen=True, slots=True)
class CaptureVerification:
    """The answer of a comparison of the person in liveness data with a photo.

    Attributes:
        score: calibrated verification score, in [0, 1].
        photo: faces of the photo; face 0 was compared.
        frames: how many frames were compared.
        further: faces of each further photo of the person, likewise.
    """

    score: float
    photo: FoundFaces
    frames: int
    further: tuple[FoundFaces, ...] = ()
