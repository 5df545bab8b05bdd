"""The facade of the liveness check: a video in, a verdict out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.device import Device
from senseid_engine.errors import LivenessError
from senseid_engine.liveness.fusion import Fusion
from senseid_engine.liveness.results import FrameScore, LivenessResult, PhotoLiveness, Status
from senseid_engine.liveness.selection import Portrait, select_frames
from senseid_engine.liveness.stills import PHOTO_THRESHOLD, StillsClassifier, probability
from senseid_engine.liveness.temporal.evidence import measure
from senseid_engine.liveness.track import track_largest
from senseid_engine.prefetch import ahead
from senseid_engine.video import MOST_SECONDS, long_enough
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from senseid_engine.faces import Face
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.video import Frame, Video
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


@dataclass(frozen=True, slots=True)
class LivenessDetector:
    """Everything that tells a living person from an attack. Loaded once; may be shared between threads.

    Attributes:
        finder: finds faces.
        quality: measures how well a frame shows the face.
        stills: classifies single frames.
        fusion: makes one score of all evidence.
        licences: asked before each use.
        threads: threads for the video's decoder.
    """

    finder: FaceFinder
    quality: QualityChecker
    stills: StillsClassifier
    fusion: Fusion
    licences: VerifiedLicences
    threads: int

    @classmethod
    def open(
        cls,
        registry: Registry,
        licences: VerifiedLicences,
        finder: FaceFinder,
        quality: QualityChecker,
        *,
        threads: int,
        device: Device = Device.CPU,
    ) -> LivenessDetector:
        """Load what the check needs beside the models that find faces and measure quality.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before any model file is opened.
            finder: finds faces; may be shared with an engine.
            quality: measures faces; may be shared.
            threads: CPUs to use, at least 1.
            device: where the networks run.

        Raises:
            LicensingError: no verified licence for a model's product.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a model cannot be used.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
            CalibrationError: the weights of the evidence cannot be read.
        """
        licences.require(Product.LIVENESS)
        # What is measured over time keeps one core busy meanwhile.
        stills = StillsClassifier.open(registry, licences, threads=max(1, threads - 1), device=device)
        return cls(finder, quality, stills, Fusion.load(registry), licences, threads)

    def detect(
        self,
        video: Video,
        *,
        capability: Capability = Capability.LIVENESS,
        watch: Callable[[int], None] = lambda _: None,
    ) -> LivenessResult:
        """Check whether the person in a video is living.

        Args:
            video: the video.
            capability: what the licence must allow: `VERIFY` where the check is part of a comparison.
            watch: called with the number of frames looked at since the last call.

        Raises:
            LicensingError: the licence does not allow it.
            VideoError: the video does not decode, changes its shape or is too short.
            ImageSizeError: its frames are too small or too large.
            LivenessError: no frame shows a face.
        """
        self.licences.require(Product.LIVENESS, capability)
        # The decoder keeps one core busy, the models the other.
        frames = _watched(ahead(video.frames(threads=self.threads)), watch)
        track = track_largest(frames, self.finder, name=video.name)
        if track is None:
            raise _no_face(video)
        with ThreadPoolExecutor(1) as pool:
            measured = pool.submit(measure, track.frames)
            log_odds = [self.stills.log_odds(image.pixels, frame.face) for frame, image in track.stills]
            bona_fide = [probability(odds) for odds in log_odds]
            selected = select_frames(track, bona_fide, self._portrait)
            temporal = measured.result()
            verdict = self.fusion.decide(log_odds, temporal)
        status = Status.OK if verdict.passed else Status.HACK
        if not long_enough(track.seconds) or (verdict.passed and not temporal.complete):
            status = Status.SHORT_TIME
        return LivenessResult(
            name=video.name,
            passed=status is Status.OK,
            score=verdict.score,
            status=status,
            selected=selected,
            frames=tuple(
                FrameScore(frame.timestamp, share) for (frame, _), share in zip(track.stills, bona_fide, strict=True)
            ),
            evidence=verdict.evidence,
            threshold=self.fusion.threshold,
            stills_needed=verdict.stills_needed,
            face_seconds=track.seconds,
            looked_at=track.looked_at,
            other_faces=track.others,
            width=track.width,
            height=track.height,
        )

    def detect_photo(self, image: Image, *, auto_rotate: bool = False) -> PhotoLiveness:
        """Check whether a photo shows a person, and not paper or a screen that shows one, by its texture.

        Args:
            image: the photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: the photo has no face, or none that is upright.
        """
        self.licences.require(Product.LIVENESS, Capability.LIVENESS)
        photo = self.finder.find(image, auto_rotate=auto_rotate)
        score = self.stills.score(photo.image.pixels, photo.faces[0])
        return PhotoLiveness(score >= PHOTO_THRESHOLD, score, PHOTO_THRESHOLD, photo.found)

    def _portrait(self, image: Image, face: Face) -> Portrait:
        quality = self.quality.measure(image, face)
        pose = quality.pose
        return Portrait(quality.overall, pose.yaw, pose.pitch, quality.sharpness, quality.eyes_open)


def _watched(frames: Iterator[Frame], watch: Callable[[int], None]) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        watch(1)


def _no_face(video: Video) -> LivenessError:
    looked_at = "no frame"
    if video.header_seconds is not None and video.header_seconds > MOST_SECONDS:
        looked_at += f" of its first {MOST_SECONDS:.0f} seconds, which alone are looked at,"
    return LivenessError(
        video.name, f"{looked_at} shows a face: film the whole face, upright, in focus and in good light"
    )
