"""The person in a video, or in liveness data, against a photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from senseid_engine.errors import LivenessDataError, LivenessError, NoFaceError
from senseid_engine.liveness.results import CaptureVerification, Status, VideoVerification
from senseid_engine.photo_options import AS_IT_IS, PhotoOptions
from senseid_engine.template import Template, similarities
from senseid_engine.upright import is_upright
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from senseid_engine.engine import Engine
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_engine.liveness.capture import Capture
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.results import LivenessResult
    from senseid_engine.results import Rect
    from senseid_engine.video import Video

SAME_PERSON: Final = 0.5
"""The score that any two selected frames must reach: else they show two people, of whom one may be a picture. Frames of
one clip score far above it; a stranger reaches it once in 100 times."""

LEAST_OVERLAP: Final = 0.3
"""Intersection over union, from which on a face that is found is the one that was tracked."""


@dataclass(frozen=True, slots=True)
class LiveVerifier:
    """Compares living faces with photos. Loaded once; may be shared between threads.

    Attributes:
        engine: compares faces.
        liveness: checks videos.
    """

    engine: Engine
    liveness: LivenessDetector

    def verify_video(
        self,
        video: Video,
        photo: Image,
        options: PhotoOptions = AS_IT_IS,
        *,
        further: Iterable[Image] = (),
        watch: Callable[[int], None] = lambda _: None,
    ) -> VideoVerification:
        """Check a video, and compare its person with the largest face of a photo.

        The photo comes first: whether it is refused does not depend on the video.

        Args:
            video: the video.
            photo: a decoded photo.
            options: how the photo is looked at.
            further: more photos of the photo's person, as for `Engine.compare`.
            watch: called with the number of frames looked at since the last call.

        Raises:
            LicensingError: the licences do not allow it.
            NoFaceError: the photo has no face.
            VideoError: the video does not decode, changes its shape or is too short.
            ImageSizeError: its frames are too small or too large.
            LivenessError: no frame of the video shows a face, or a living one is not upright.
            AmbiguousFaceError: the photo has two faces of like size, which `options` forbid.
            OcclusionError: the photo's face is covered, which `options` forbid.
            DifferentPeopleError: the photos do not show one person.
        """
        self.engine.licences.require(Product.FACE, Capability.VERIFY)
        found, references = self.engine.encode_references(chain([photo], further), options)
        result, live = self.encode_live(video, watch=watch)
        score = references.score(live, self.engine.curve) if live else None
        return VideoVerification(result, score, found[0], len(live), found[1:])

    def encode_live(
        self, video: Video, *, watch: Callable[[int], None] = lambda _: None
    ) -> tuple[LivenessResult, list[Template]]:
        """Check a video, and make templates of its person, to be compared with any number of photos.

        Args:
            video: the video.
            watch: called with the number of frames looked at since the last call.

        Returns:
            What the check says, and one template a selected frame; none if the person is not living.

        Raises:
            LicensingError: the licences do not allow it.
            VideoError: the video does not decode, changes its shape or is too short.
            ImageSizeError: its frames are too small or too large.
            LivenessError: no frame of the video shows a face, or a living one is not upright.
        """
        result = self.liveness.detect(video, capability=Capability.VERIFY, watch=watch)
        if not result.passed:
            return result, []
        check_upright(result, self.engine.encoder.finder)
        live = [
            _of_frame(self.engine, frame.image, frame.face.rect) or self.engine.template(frame.image, frame.face)
            for frame in result.selected
        ]
        if not _one_person(self.engine, live):
            return replace(result, passed=False, status=Status.HACK, one_person=False), []
        return result, live

    def verify_capture(
        self,
        capture: Capture,
        photo: Image,
        options: PhotoOptions = AS_IT_IS,
        *,
        name: str,
        further: Iterable[Image] = (),
    ) -> CaptureVerification:
        """Compare the person of a capture with the largest face of a photo.

        That the person was living is what the capture's seal says; docs/formats/liveness-data.md.

        Args:
            capture: liveness data.
            photo: a decoded photo.
            options: how the photo is looked at.
            name: what the caller calls the capture, for messages.
            further: more photos of the photo's person, as for `Engine.compare`.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: the photo has no face.
            LivenessDataError: a frame of the capture does not show the face, or its frames show two people.
            AmbiguousFaceError: the photo has two faces of like size, which `options` forbid.
            OcclusionError: the photo's face is covered, which `options` forbid.
            DifferentPeopleError: the photos do not show one person.
        """
        self.engine.licences.require(Product.FACE, Capability.VERIFY)
        found, references = self.engine.encode_references(chain([photo], further), options)
        frames = [_of_frame(self.engine, frame.image, frame.face) for frame in capture.frames]
        live = [template for template in frames if template is not None]
        if len(live) < len(frames):
            raise LivenessDataError(name, "holds a frame without the face: make it again")
        if not _one_person(self.engine, live):
            raise LivenessDataError(name, "holds frames of different people: make it again")
        score = references.score(live, self.engine.curve)
        return CaptureVerification(score, found[0], len(live), found[1:])


def check_upright(result: LivenessResult, finder: FaceFinder) -> None:
    """Refuse a video whose face is sideways or upside down: it passes, but recognition takes its person for a stranger.

    Args:
        result: a check of the video that passed.
        finder: finds faces.

    Raises:
        LivenessError: no selected frame shows the face upright.
    """
    if not any(is_upright(f.image.pixels, f.face, finder.detector, finder.landmarker) for f in result.selected):
        raise LivenessError(result.name, "the face is sideways or upside down: turn the video, or film it upright")


def _of_frame(engine: Engine, image: Image, rect: Rect) -> Template | None:
    """The template of the face at that place, found anew as in a photo: tracking is less exact."""
    try:
        faces = engine.encoder.finder.find(image).faces
    except NoFaceError:
        return None
    face = max(faces, key=lambda face: face.rect.overlap(rect))
    return engine.template(image, face) if face.rect.overlap(rect) >= LEAST_OVERLAP else None


def _one_person(engine: Engine, templates: Sequence[Template]) -> bool:
    return engine.curve.score(float(similarities(templates, templates).min())) >= SAME_PERSON
