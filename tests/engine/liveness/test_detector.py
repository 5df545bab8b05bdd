"""The liveness check with its models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import LivenessError, NoFaceError, VideoError
from senseid_engine.image import rotate
from senseid_engine.liveness.detector import LivenessDetector
from senseid_engine.liveness.results import Status
from senseid_engine.quality.checker import QualityChecker
from senseid_engine.video import decode_video
from senseid_licensing.capability import Capability
from senseid_licensing.errors import CapabilityError, LicenceMissingError
from senseid_licensing.product import Product
from senseid_licensing.verified import VerifiedLicences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_models.registry import Registry


@pytest.fixture(scope="module")
def quality(registry: Registry, licences: VerifiedLicences, finder: FaceFinder) -> QualityChecker:
    return QualityChecker.open(registry, licences, finder, threads=1)


@pytest.fixture(scope="module")
def detector(
    registry: Registry, licences: VerifiedLicences, finder: FaceFinder, quality: QualityChecker
) -> LivenessDetector:
    return LivenessDetector.open(registry, licences, finder, quality, threads=1)


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.full((96, 128, 3), 128, np.uint8)


def test_a_still_photo_is_an_attack(detector: LivenessDetector, still_clip: bytes) -> None:
    steps: list[int] = []
    result = detector.detect(decode_video(still_clip, name="still.mp4"), watch=steps.append)
    assert (result.name, result.passed, result.status) == ("still.mp4", False, Status.HACK)
    assert 0 <= result.score < result.threshold
    assert sum(steps) == result.looked_at == 30
    assert result.face_seconds == pytest.approx(3.0, abs=0.05)
    assert (result.width, result.height) == (640, 480)
    assert 8 <= len(result.frames) <= 16
    assert all(0 <= frame.bona_fide <= 1 for frame in result.frames)
    assert result.evidence[0].name == "stills"
    assert sum(piece.weight for piece in result.evidence) < 0
    assert result.best.image.pixels.shape == (480, 640, 3)
    assert 0 <= result.best.quality <= 1


def test_a_photo_of_a_person_and_one_of_a_screen(
    detector: LivenessDetector, photos: dict[str, Image], recaptured: Image
) -> None:
    person = detector.detect_photo(photos["obama.jpg"])
    assert (person.passed, person.status, person.found.name) == (True, Status.OK, "obama.jpg")
    assert 1 >= person.score >= person.threshold
    screen = detector.detect_photo(recaptured)
    assert (screen.passed, screen.status) == (False, Status.HACK)
    assert 0 <= screen.score < screen.threshold


def test_a_photo_without_an_upright_face(detector: LivenessDetector, photos: dict[str, Image], blank: Image) -> None:
    with pytest.raises(NoFaceError):
        detector.detect_photo(blank)
    sideways = rotate(photos["obama.jpg"], 1)
    with pytest.raises(NoFaceError, match="--auto-rotate"):
        detector.detect_photo(sideways)
    turned = detector.detect_photo(sideways, auto_rotate=True)
    assert turned.found.quarter_turns == 3
    assert turned.score == pytest.approx(detector.detect_photo(photos["obama.jpg"]).score, abs=0.02)


def test_it_is_the_same_every_time(detector: LivenessDetector, still_clip: bytes) -> None:
    video = decode_video(still_clip, name="still.mp4")
    one, two = detector.detect(video), detector.detect(video)
    assert (one.score, one.evidence, one.frames) == (two.score, two.evidence, two.frames)
    assert [frame.timestamp for frame in one.selected] == [frame.timestamp for frame in two.selected]


def test_no_face_is_no_verdict(detector: LivenessDetector, encode_clip: Callable[..., bytes], grey: np.ndarray) -> None:
    video = decode_video(encode_clip([grey] * 30, range(0, 3000, 100)), name="blank.mp4")
    with pytest.raises(LivenessError, match=r"blank\.mp4: no frame shows a face"):
        detector.detect(video)


def test_a_face_that_comes_too_late(
    detector: LivenessDetector, encode_clip: Callable[..., bytes], small: np.ndarray
) -> None:
    times = range(0, 24_000, 1000)
    video = decode_video(encode_clip([np.full_like(small, 128)] * 21 + [small] * 3, times), name="late.mp4")
    with pytest.raises(LivenessError, match=r"late\.mp4: no frame of its first 20 seconds, which alone are looked at"):
        detector.detect(video)


def test_too_short_goes_before_no_face(
    detector: LivenessDetector, encode_clip: Callable[..., bytes], grey: np.ndarray
) -> None:
    video = decode_video(encode_clip([grey] * 10, range(0, 1000, 100)), name="blank.mp4")
    with pytest.raises(VideoError, match=r"is 1\.00 s long"):
        detector.detect(video)


def test_a_face_that_is_seen_for_a_moment(
    detector: LivenessDetector, encode_clip: Callable[..., bytes], small: np.ndarray
) -> None:
    pictures = [small] * 15 + [np.full_like(small, 128)] * 15
    video = decode_video(encode_clip(pictures, range(0, 3000, 100)), name="moment.mp4")
    result = detector.detect(video)
    assert (result.passed, result.status) == (False, Status.SHORT_TIME)
    assert result.face_seconds == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize("milliseconds", [100, 40])
def test_two_seconds_of_a_face_are_enough(
    detector: LivenessDetector, encode_clip: Callable[..., bytes], small: np.ndarray, milliseconds: int
) -> None:
    count = 2000 // milliseconds
    video = decode_video(encode_clip([small] * count, range(0, 2000, milliseconds)), name="two.mp4")
    assert detector.detect(video).status is not Status.SHORT_TIME


@pytest.mark.parametrize("milliseconds", [200, 345, 500, 680, 1000, 2000])
def test_in_too_few_frames_a_second_a_photo_has_no_chance(
    detector: LivenessDetector, encode_clip: Callable[..., bytes], small: np.ndarray, milliseconds: int
) -> None:
    """Between such frames a person changes as well, so nothing over time tells the two apart."""
    count = 4000 // milliseconds + 1
    video = decode_video(encode_clip([small] * count, range(0, count * milliseconds, milliseconds)), name="slow.mp4")
    result = detector.detect(video)
    assert (result.passed, result.status) == (False, Status.SHORT_TIME)
    assert [part.name for part in result.evidence] == ["stills"]


def narrowed(licences: VerifiedLicences, product: Product, *allowed: Capability) -> VerifiedLicences:
    """The same licences, but that of one product allows these capabilities only."""
    from dataclasses import replace

    from senseid_licensing.verified import SEAL

    narrow = replace(licences.licences[product], capabilities=frozenset(allowed), seal=SEAL)
    return VerifiedLicences({**licences.licences, product: narrow}, licences.failures)


def test_the_licence_must_allow_it(detector: LivenessDetector, licences: VerifiedLicences, still_clip: bytes) -> None:
    from dataclasses import replace

    video = decode_video(still_clip, name="still.mp4")
    only_verify = replace(detector, licences=narrowed(licences, Product.LIVENESS, Capability.VERIFY))
    with pytest.raises(CapabilityError, match="does not allow liveness"):
        only_verify.detect(video)
    assert only_verify.detect(video, capability=Capability.VERIFY).status is Status.HACK
    only_liveness = replace(detector, licences=narrowed(licences, Product.LIVENESS, Capability.LIVENESS))
    with pytest.raises(CapabilityError, match="does not allow verify"):
        only_liveness.detect(video, capability=Capability.VERIFY)


def test_without_a_licence_it_does_not_open(
    registry: Registry, no_licences: VerifiedLicences, finder: FaceFinder, quality: QualityChecker
) -> None:
    with pytest.raises(LicenceMissingError, match="senseid_liveness"):
        LivenessDetector.open(registry, no_licences, finder, quality, threads=1)


@pytest.mark.slow
def test_a_real_clip(detector: LivenessDetector, test_data: Path) -> None:
    path = test_data / "liveness-videos" / "live" / "grid-brbk7n.mpg"
    result = detector.detect(decode_video(path.read_bytes(), name=path.name))
    assert (result.passed, result.status) == (True, Status.OK)
