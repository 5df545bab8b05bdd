"""Living faces against photos."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from senseid_engine.engine import Engine
from senseid_engine.errors import (
    AmbiguousFaceError,
    DifferentPeopleError,
    LivenessDataError,
    LivenessError,
    NoFaceError,
    OcclusionError,
)
from senseid_engine.image import rotate
from senseid_engine.liveness.capture import Capture, CaptureDevice, CapturedFrame
from senseid_engine.liveness.detector import LivenessDetector
from senseid_engine.liveness.results import LivenessResult, SelectedFrame, Status
from senseid_engine.liveness.verify import LiveVerifier
from senseid_engine.photo_options import PhotoOptions
from senseid_engine.quality.checker import QualityChecker
from senseid_engine.video import Video, decode_video

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

OBAMA, BIDEN = "obama.jpg", "biden.jpg"
NOT_READ = Video(b"", "clip.mp4")


@pytest.fixture(scope="module")
def engine(registry: Registry, licences: VerifiedLicences) -> Engine:
    return Engine.open(registry, licences, threads=1)


@pytest.fixture(scope="module")
def verifier(engine: Engine, registry: Registry, licences: VerifiedLicences) -> LiveVerifier:
    finder = engine.encoder.finder
    quality = QualityChecker.open(registry, licences, finder, threads=1)
    return LiveVerifier(engine, LivenessDetector.open(registry, licences, finder, quality, threads=1))


def selected(found: UprightPhoto, timestamp: float) -> SelectedFrame:
    return SelectedFrame(timestamp, 0.8, found.image, found.faces[0])


def live(*frames: SelectedFrame) -> LivenessResult:
    """A check that passed, of frames that nobody needs to film: what the check itself does is tested elsewhere."""
    return LivenessResult(
        name="clip.mp4",
        passed=True,
        score=0.9,
        status=Status.OK,
        selected=frames,
        frames=(),
        evidence=(),
        threshold=0.5,
        stills_needed=0.2,
        face_seconds=3.0,
        looked_at=30,
        other_faces=0,
        width=frames[0].image.width,
        height=frames[0].image.height,
    )


class Passed:
    """In place of a check of a video: its result."""

    def __init__(self, result: LivenessResult) -> None:
        self._result = result

    def detect(self, video: Video, **options: Any) -> LivenessResult:
        return self._result


def after(verifier: LiveVerifier, *frames: SelectedFrame) -> LiveVerifier:
    """A verifier for which the check of any video has passed and selected these frames."""
    passed: Any = Passed(live(*frames))
    return replace(verifier, liveness=passed)


def capture_of(*frames: SelectedFrame) -> Capture:
    return Capture(
        id=bytes(16),
        checked_at=datetime(2026, 11, 24, tzinfo=UTC),
        score=0.9,
        models=bytes(32),
        video=bytes(32),
        face_seconds=3.0,
        width=1,
        height=1,
        device=CaptureDevice("", "", ""),
        frames=tuple(CapturedFrame(f.timestamp, f.quality, f.face.rect, f.image) for f in frames),
    )


def test_an_attack_is_not_compared(verifier: LiveVerifier, still_clip: bytes, photos: dict[str, Image]) -> None:
    result = verifier.verify_video(decode_video(still_clip, name="still.mp4"), photos[OBAMA])
    assert result.liveness.status is Status.HACK
    assert (result.score, result.frames) == (None, 0)
    assert result.photo.name == OBAMA


def test_one_frame_scores_as_a_photo_does(
    verifier: LiveVerifier, engine: Engine, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    result = after(verifier, selected(found[OBAMA], 0.0)).verify_video(NOT_READ, photos["obama2.jpg"])
    assert result.score == engine.compare(photos[OBAMA], photos["obama2.jpg"]).score
    assert (result.liveness.passed, result.frames) == (True, 1)


def test_the_score_is_that_of_the_mean_similarity(
    verifier: LiveVerifier, engine: Engine, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    frames = [selected(found[name], time) for time, name in enumerate((OBAMA, "obama2.jpg"))]
    result = after(verifier, *frames).verify_video(NOT_READ, photos["obama3.jpg"])
    single = [engine.compare(photos[name], photos["obama3.jpg"]).score for name in (OBAMA, "obama2.jpg")]
    assert result.score is not None
    assert min(single) <= result.score <= max(single)
    assert result.frames == 2


def test_several_photos_of_the_person(
    verifier: LiveVerifier, engine: Engine, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    frame, two, three = selected(found[OBAMA], 0.0), photos["obama2.jpg"], photos["obama3.jpg"]
    expected = engine.compare(two, photos[OBAMA], further=[three])
    result = after(verifier, frame).verify_video(NOT_READ, two, further=[three])
    assert (result.score, result.photo, result.further) == (expected.score, expected.first, expected.further)
    captured = verifier.verify_capture(capture_of(frame), three, name="a.liveness", further=iter([two]))
    assert captured.score == expected.score
    # Whether the photos show one person does not depend on the video.
    with pytest.raises(DifferentPeopleError, match=r"^biden\.jpg"):
        verifier.verify_video(NOT_READ, two, further=[photos[BIDEN], three])


def test_a_stranger(verifier: LiveVerifier, found: dict[str, UprightPhoto], photos: dict[str, Image]) -> None:
    result = after(verifier, selected(found[OBAMA], 0.0)).verify_video(NOT_READ, photos[BIDEN])
    assert result.score is not None
    assert result.score < 0.6


def test_a_clip_of_two_people_is_an_attack(
    verifier: LiveVerifier, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    frames = [selected(found[OBAMA], 0.0), selected(found["obama2.jpg"], 1.0), selected(found[BIDEN], 2.0)]
    for person in (OBAMA, BIDEN):
        result = after(verifier, *frames).verify_video(NOT_READ, photos[person])
        assert (result.liveness.passed, result.liveness.status, result.score) == (False, Status.HACK, None)
        assert not result.liveness.one_person


def test_the_person_of_an_upside_down_clip_is_no_stranger(
    verifier: LiveVerifier, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    photo, face = photos[OBAMA], found[OBAMA].faces[0]
    # A track takes it for one that stands: what it knows of it is a box, of which the detector is not quite sure.
    box = np.array([photo.width, photo.height] * 2, np.float32) - face.box[[2, 3, 0, 1]]
    hanging = SelectedFrame(0.0, 0.8, rotate(photo, 2), replace(face, box=box, score=0.8))
    with pytest.raises(LivenessError, match=r"^clip\.mp4: the face is sideways or upside down: turn the video"):
        after(verifier, hanging).verify_video(NOT_READ, photos["obama2.jpg"])


def test_the_photo_is_refused_first(verifier: LiveVerifier, blank: Image, masked: Image, twins: Image) -> None:
    with pytest.raises(NoFaceError):
        verifier.verify_video(NOT_READ, blank)
    for photo, options, error in (
        (masked, PhotoOptions(check_quality=True), OcclusionError),
        (twins, PhotoOptions(single_face=True), AmbiguousFaceError),
    ):
        with pytest.raises(error):
            verifier.verify_video(NOT_READ, photo, options)
        with pytest.raises(error):
            verifier.verify_capture(capture_of(), photo, options, name="a.liveness")


def test_the_photo_is_looked_at_as_asked(
    verifier: LiveVerifier, found: dict[str, UprightPhoto], photos: dict[str, Image], masked: Image
) -> None:
    capture = capture_of(selected(found[OBAMA], 0.0))
    turned = rotate(photos["obama2.jpg"], 1)
    with pytest.raises(NoFaceError, match="--auto-rotate"):
        verifier.verify_capture(capture, turned, name="a.liveness")
    result = verifier.verify_capture(capture, turned, PhotoOptions(auto_rotate=True), name="a.liveness")
    assert result.score == verifier.verify_capture(capture, photos["obama2.jpg"], name="a.liveness").score
    assert result.photo.quarter_turns == 3
    covered = after(verifier, selected(found[OBAMA], 0.0)).verify_video(NOT_READ, masked)
    assert covered.photo.covered == ("nose", "mouth")


def test_a_video_without_a_face(verifier: LiveVerifier, encode_clip: Any, photos: dict[str, Image]) -> None:
    grey = np.full((96, 128, 3), 128, np.uint8)
    video = decode_video(encode_clip([grey] * 30, range(0, 3000, 100)), name="blank.mp4")
    with pytest.raises(LivenessError):
        verifier.verify_video(video, photos[OBAMA])


def test_a_capture(
    verifier: LiveVerifier, engine: Engine, found: dict[str, UprightPhoto], photos: dict[str, Image]
) -> None:
    result = verifier.verify_capture(capture_of(selected(found[OBAMA], 0.0)), photos["obama2.jpg"], name="a.liveness")
    assert result.score == engine.compare(photos[OBAMA], photos["obama2.jpg"]).score
    assert (result.frames, result.photo.name) == (1, "obama2.jpg")


def test_the_face_of_a_capture_is_the_one_at_its_place(
    verifier: LiveVerifier, two_men: Image, photos: dict[str, Image]
) -> None:
    both = verifier.engine.encoder.finder.find(two_men)
    scores = [
        verifier.verify_capture(
            capture_of(SelectedFrame(0.0, 0.8, two_men, face)), photos[OBAMA], name="a.liveness"
        ).score
        for face in both.faces
    ]
    assert scores[0] < 0.6 < 0.9 < scores[1]  # the larger one is the other man


def test_a_capture_that_shows_something_else(
    verifier: LiveVerifier, found: dict[str, UprightPhoto], photos: dict[str, Image], blank: Image
) -> None:
    frames = [selected(found[OBAMA], 0.0), selected(found[BIDEN], 1.0)]
    with pytest.raises(LivenessDataError, match="different people"):
        verifier.verify_capture(capture_of(*frames), photos[OBAMA], name="a.liveness")
    gone = SelectedFrame(0.0, 0.8, blank, found[OBAMA].faces[0])
    with pytest.raises(LivenessDataError, match="without the face"):
        verifier.verify_capture(capture_of(gone), photos[OBAMA], name="a.liveness")
