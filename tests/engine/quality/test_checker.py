"""The facade of the quality check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from senseid_engine.errors import NoFaceError
from senseid_engine.quality.checker import QualityChecker
from senseid_licensing.errors import LicensingError
from tests.engine.conftest import picture

if TYPE_CHECKING:
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_engine.quality.results import FaceQuality
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


@pytest.fixture(scope="module")
def checker(registry: Registry, licences: VerifiedLicences, finder: FaceFinder) -> QualityChecker:
    return QualityChecker.open(registry, licences, finder, threads=1)


def test_every_value_lies_in_its_range(checker: QualityChecker, photos: dict[str, Image], two_men: Image) -> None:
    for image in (*photos.values(), two_men):
        report = checker.check(image)
        assert len(report.faces) == len(report.landmarks) == len(report.found.rects)
        assert report.image.name == image.name
        for face in report.faces:
            shares = (
                face.occlusion.left_eye,
                face.occlusion.right_eye,
                face.occlusion.nose,
                face.occlusion.mouth,
                face.visible,
                face.distance_to_centre,
                face.size,
                face.sharpness,
                face.mouth_open,
                face.integrity,
                face.overall,
            )
            assert all(0 <= share <= 1 for share in shares)
            assert -1 <= face.brightness <= 1
            assert face.eye_distance > 20


def test_faces_stand_in_the_order_of_the_finder(checker: QualityChecker, two_men: Image) -> None:
    report = checker.check(two_men)
    assert tuple(face.rect for face in report.faces) == report.found.rects
    assert report.faces[0].eye_distance > report.faces[1].eye_distance


def test_each_change_moves_its_measure(checker: QualityChecker, photos: dict[str, Image], masked: Image) -> None:
    photo = photos["obama.jpg"]
    plain = checker.check(photo).faces[0]

    def changed(pixels: np.ndarray) -> FaceQuality:
        return checker.check(picture(pixels)).faces[0]

    blurred = changed(cv2.GaussianBlur(photo.pixels, (0, 0), 10))
    assert blurred.sharpness < plain.sharpness / 2
    assert blurred.overall < plain.overall
    darker = changed((photo.pixels * 0.4).astype(np.uint8))
    assert darker.brightness < plain.brightness - 0.3
    nearer = changed(photo.pixels[60:460, 330:650])
    assert nearer.size > 4 * plain.size
    assert nearer.distance_to_centre > plain.distance_to_centre
    cut = changed(photo.pixels[:, 435:])
    assert cut.integrity < 0.97 < plain.integrity
    covered = checker.check(masked).faces[0]
    assert covered.occlusion.mouth < 0.3
    assert covered.occlusion.left_eye > 0.8
    assert covered.visible < plain.visible - 0.3
    assert covered.overall < plain.overall


def test_a_mirrored_photo(checker: QualityChecker, photos: dict[str, Image]) -> None:
    photo = photos["biden.jpg"]
    one = checker.check(photo).faces[0]
    other = checker.check(picture(photo.pixels[:, ::-1])).faces[0]
    assert one.brightness == pytest.approx(other.brightness, abs=0.05)
    assert one.sharpness == pytest.approx(other.sharpness, abs=0.1)
    assert one.size == pytest.approx(other.size, rel=0.1)
    assert one.pose.yaw == pytest.approx(-other.pose.yaw, abs=4)


def test_no_face(checker: QualityChecker, blank: Image) -> None:
    with pytest.raises(NoFaceError, match=r"blank\.png"):
        checker.check(blank)


def test_no_licence(
    checker: QualityChecker,
    registry: Registry,
    no_licences: VerifiedLicences,
    finder: FaceFinder,
    photos: dict[str, Image],
) -> None:
    with pytest.raises(LicensingError):
        QualityChecker.open(registry, no_licences, finder, threads=1)
    with pytest.raises(LicensingError):
        replace(checker, licences=no_licences).check(photos["biden.jpg"])


def test_it_is_repeatable_to_the_bit_on_any_number_of_threads(
    checker: QualityChecker,
    registry: Registry,
    licences: VerifiedLicences,
    finder: FaceFinder,
    photos: dict[str, Image],
) -> None:
    more = QualityChecker.open(registry, licences, finder, threads=2)
    photo = photos["obama2.jpg"]
    assert checker.check(photo).faces == checker.check(photo).faces == more.check(photo).faces
