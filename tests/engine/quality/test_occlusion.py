"""What is covered, on photos over which a part of the face was painted."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from senseid_engine.errors import NoFaceError
from senseid_engine.image import decode_image
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE
from senseid_engine.quality.occlusion import ALIGNMENT, LEAST_VISIBLE, REGIONS, Occlusion, OcclusionEstimator
from senseid_licensing.errors import LicenceMissingError
from senseid_models import entries
from senseid_models.errors import ModelKindMissingError
from tests.archives import content

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.finder import FaceFinder, UprightPhoto
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

# A surgical mask: over the nose, along the cheeks, under the chin.
MASK = (195, 118, 93, 132, 58, 172, 136, 150, 149, 148, 152, 377, 378, 379, 365, 397, 288, 361, 323, 347)
PEOPLE = ("obama.jpg", "biden.jpg")


@pytest.fixture(scope="module")
def estimator(registry: Registry, licences: VerifiedLicences) -> OcclusionEstimator:
    return OcclusionEstimator.open(registry, licences, threads=1)


def painted(
    photo: UprightPhoto, points: tuple[int, ...], colour: tuple[int, int, int], grow: float = 1.0
) -> np.ndarray:
    """The photo with the hull of some points of its largest face painted over."""
    pixels = photo.image.pixels.copy()
    hull = cv2.convexHull(photo.faces[0].landmarks.points[list(points), :2])[:, 0]
    hull = hull.mean(axis=0) + (hull - hull.mean(axis=0)) * grow
    cv2.fillPoly(pixels, [np.round(hull).astype(np.int32)], colour, cv2.LINE_AA)
    return pixels


@pytest.mark.parametrize("name", PEOPLE)
def test_nothing_covers_a_plain_portrait(
    estimator: OcclusionEstimator, found: dict[str, UprightPhoto], name: str
) -> None:
    photo = found[name]
    occlusion = estimator.estimate(photo.image.pixels, photo.faces[0])
    assert occlusion.covered == ()
    assert min(occlusion.left_eye, occlusion.right_eye, occlusion.nose, occlusion.mouth) > 0.8


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("colour", [(150, 200, 215), (245, 245, 245), (20, 20, 25)])
def test_a_mask_covers_nose_and_mouth(
    estimator: OcclusionEstimator, found: dict[str, UprightPhoto], name: str, colour: tuple[int, int, int]
) -> None:
    photo = found[name]
    assert estimator.estimate(painted(photo, MASK, colour), photo.faces[0]).covered == ("nose", "mouth")


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize(
    ("region", "called"), [("left_eye", "left eye"), ("right_eye", "right eye"), ("mouth", "mouth")]
)
def test_the_covered_feature_is_named(
    estimator: OcclusionEstimator, found: dict[str, UprightPhoto], name: str, region: str, called: str
) -> None:
    photo = found[name]
    pixels = painted(photo, REGIONS[region], (40, 42, 45), grow=1.6)
    assert estimator.estimate(pixels, photo.faces[0]).covered == (called,)


def test_left_and_right_are_those_of_the_landmarks(found: dict[str, UprightPhoto]) -> None:
    points = found["obama.jpg"].faces[0].landmarks.points
    for name, corners in (("left_eye", LEFT_EYE), ("right_eye", RIGHT_EYE)):
        region, eye = points[list(REGIONS[name]), :2], points[list(corners), :2]
        assert np.linalg.norm(region.mean(axis=0) - eye.mean(axis=0)) < 0.2 * np.linalg.norm(eye[0] - eye[1])
    assert points[list(REGIONS["left_eye"]), 0].max() < points[list(REGIONS["right_eye"]), 0].min()


def test_more_of_a_feature_covered_is_less_visible(
    estimator: OcclusionEstimator, found: dict[str, UprightPhoto]
) -> None:
    photo = found["obama.jpg"]
    grown = [0.01, 0.8, 1.6]
    shares = [
        estimator.estimate(painted(photo, REGIONS["mouth"], (40, 42, 45), grow), photo.faces[0]) for grow in grown
    ]
    mouths = [share.mouth for share in shares]
    assert mouths == sorted(mouths, reverse=True)
    assert mouths[0] > 0.8 > 0.2 > mouths[-1]


def test_the_answer_is_the_same_each_time_and_on_any_number_of_threads(
    registry: Registry, licences: VerifiedLicences, estimator: OcclusionEstimator, found: dict[str, UprightPhoto]
) -> None:
    photo = found["biden.jpg"]
    once = estimator.estimate(photo.image.pixels, photo.faces[0])
    assert estimator.estimate(photo.image.pixels, photo.faces[0]) == once
    wider = OcclusionEstimator.open(registry, licences, threads=2)
    assert wider.estimate(photo.image.pixels, photo.faces[0]) == once


def test_a_mirror_image_swaps_the_eyes(estimator: OcclusionEstimator, found: dict[str, UprightPhoto]) -> None:
    photo = found["obama.jpg"]
    pixels = painted(photo, REGIONS["left_eye"], (40, 42, 45), grow=1.6)
    chip = ALIGNMENT.chip(pixels, photo.faces[0])
    (plain,), (mirrored,) = estimator.shares(chip[None]), estimator.shares(chip[None, :, ::-1])
    np.testing.assert_allclose(mirrored, plain[[1, 0, 2, 3]], atol=1e-6)
    assert plain[0] < 0.5 < plain[1]


def test_covered_is_less_than_the_threshold() -> None:
    assert Occlusion(LEAST_VISIBLE, 1.0, LEAST_VISIBLE, 1.0).covered == ()
    under = np.nextafter(LEAST_VISIBLE, 0)
    assert Occlusion(under, 0.0, 0.0, under).covered == ("left eye", "right eye", "nose", "mouth")


def test_no_licence_no_model(
    registry: Registry, no_licences: VerifiedLicences, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def watched(name: str, *_: Any) -> bytes:
        opened.append(name)
        return b""

    monkeypatch.setattr(entries, "read_checked", watched)
    with pytest.raises(LicenceMissingError, match="senseid_kestrel"):
        OcclusionEstimator.open(registry, no_licences, threads=1)
    assert opened == []


def test_a_registry_without_the_model(registry: Registry, licences: VerifiedLicences) -> None:
    without = replace(registry, entries=tuple(entry for entry in registry.entries if entry.kind != "occlusion"))
    with pytest.raises(ModelKindMissingError, match="no model of kind occlusion"):
        OcclusionEstimator.open(without, licences, threads=1)


@pytest.mark.slow
@pytest.mark.data
def test_real_masks(estimator: OcclusionEstimator, finder: FaceFinder, test_data: Path) -> None:
    """A few of the photos that `tests.bench.occlusion` measures in full."""

    def called(folder: str) -> list[tuple[str, ...]]:
        answers = []
        with tarfile.open(test_data / "masks.tar") as archive:
            members = [member for member in archive.getmembers() if f"/{folder}/" in member.name]
            for member in members[::10]:
                try:
                    photo = finder.find(decode_image(content(archive, member), name=member.name))
                except NoFaceError:
                    continue
                answers.append(estimator.estimate(photo.image.pixels, photo.faces[0]).covered)
        return answers

    masked, plain = called("with_mask"), called("without_mask")
    assert sum("mouth" in names for names in masked) > 0.9 * len(masked)
    assert sum("left eye" in names or "right eye" in names for names in masked) < 0.1 * len(masked)
    assert sum(bool(names) for names in plain) <= 0.1 * len(plain)
