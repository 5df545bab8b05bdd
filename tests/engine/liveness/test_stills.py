from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import CalibrationError
from senseid_engine.finder import models_of_kind
from senseid_engine.liveness.stills import Regression, StillsClassifier, extract_features, probability
from senseid_engine.session import open_sessions
from senseid_licensing.errors import LicensingError
from senseid_models.errors import ModelKindMissingError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto
    from senseid_licensing.verified import VerifiedLicences


@pytest.fixture(scope="module")
def detector(registry: Registry, licences: VerifiedLicences) -> StillsClassifier:
    return StillsClassifier.open(registry, licences, threads=1)


@pytest.fixture
def photo(found: dict[str, UprightPhoto]) -> UprightPhoto:
    return found["obama.jpg"]


def test_the_score_is_the_probability_of_the_log_odds(detector: StillsClassifier, photo: UprightPhoto) -> None:
    log_odds = detector.log_odds(photo.image.pixels, photo.faces[0])
    assert math.isfinite(log_odds)
    assert detector.score(photo.image.pixels, photo.faces[0]) == probability(log_odds)


def test_a_second_look_gives_the_same_bits(detector: StillsClassifier, photo: UprightPhoto) -> None:
    first, second = (detector.log_odds(photo.image.pixels, photo.faces[0]) for _ in range(2))
    assert first == second


def test_the_log_odds_are_of_three_looks_at_the_face_and_one_at_its_surroundings(
    detector: StillsClassifier, photo: UprightPhoto, registry: Registry, licences: VerifiedLicences
) -> None:
    networks = open_sessions(models_of_kind(registry, "liveness"), licences, threads=1)
    features = extract_features(networks, photo.image.pixels, photo.faces[0])
    assert features.shape == (4, 1888 + 2032 + 1)
    assert not features[:3, -1].any()
    regression = Regression.parse(registry.asset("liveness-stills").read(), 1888 + 2032 + 1)
    assert regression.surroundings[-1] > 0
    looks = [float(look @ regression.face) for look in features[:3]]
    expected = sum(looks) / 3 + float(features[3] @ regression.surroundings) + regression.bias
    assert detector.log_odds(photo.image.pixels, photo.faces[0]) == pytest.approx(expected, abs=1e-4)
    assert len(set(looks)) == 3


def test_what_is_next_to_the_face_counts(detector: StillsClassifier, photo: UprightPhoto) -> None:
    face, pixels = photo.faces[0], photo.image.pixels
    left, top, right, bottom = (face.box + 0.4 * (face.box[2] - face.box[0]) * np.array([-1, -1, 1, 1])).astype(int)
    framed = np.zeros_like(pixels)
    framed[top:bottom, left:right] = pixels[top:bottom, left:right]
    assert abs(detector.log_odds(framed, face) - detector.log_odds(pixels, face)) > 0.1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 2\nbias = -2\nface = [1.5]\nsurroundings = [1, 2]", "face must be a list of 2 numbers"),
        ("format = 2\nbias = -2\nface = [1.5, 2]", "surroundings"),
        ("format = 2\nface = [1.5, 2]\nsurroundings = [1, 2]", "bias"),
        ("format = 2\nbias = true\nface = [1.5, 2]\nsurroundings = [1, 2]", "bias must be a number"),
        ("format = 1\nbias = 1\nweights = [1.5, 2]", "format is 1"),
        ("format = 2\nbias = 1\nface = [1.5, 2]\nsurroundings = [1.5, nan]", "surroundings must be"),
        ("format =", "is not TOML"),
    ],
)
def test_weights_of_the_wrong_form_are_refused(text: str, said: str) -> None:
    with pytest.raises(CalibrationError, match=said):
        Regression.parse(text.encode(), 2)


def test_weights_are_read() -> None:
    found = Regression.parse(b"format = 2\nbias = -2\nface = [1.5, -1]\nsurroundings = [0, 3]", 2)
    assert (found.bias, found.face.tolist(), found.surroundings.tolist()) == (-2.0, [1.5, -1.0], [0.0, 3.0])


def test_without_a_licence_nothing_is_opened(registry: Registry, no_licences: VerifiedLicences) -> None:
    with pytest.raises(LicensingError):
        StillsClassifier.open(registry, no_licences, threads=1)


def test_a_registry_without_the_network_is_refused(licences: VerifiedLicences) -> None:
    with pytest.raises(ModelKindMissingError, match="liveness"):
        StillsClassifier.open(Registry((), ()), licences, threads=1)


@pytest.mark.parametrize(("log_odds", "expected"), [(0.0, 0.5), (2.0, 0.880797077977882), (-900.0, 0.0), (900.0, 1.0)])
def test_the_probability_is_the_logistic_function(log_odds: float, expected: float) -> None:
    assert probability(log_odds) == pytest.approx(expected, abs=1e-12)
    assert probability(-log_odds) == pytest.approx(1 - expected, abs=1e-12)


def test_black_is_an_input_like_any_other(detector: StillsClassifier, photo: UprightPhoto) -> None:
    assert math.isfinite(detector.log_odds(np.zeros_like(photo.image.pixels), photo.faces[0]))
