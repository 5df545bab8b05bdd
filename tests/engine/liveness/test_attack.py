from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.liveness.attack import AROUND, FACE, AttackDetector, chip_of, probability
from senseid_licensing.errors import LicensingError
from senseid_models.errors import ModelKindMissingError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto
    from senseid_licensing.verified import VerifiedLicences


@pytest.fixture(scope="module")
def detector(registry: Registry, licences: VerifiedLicences) -> AttackDetector:
    return AttackDetector.open(registry, licences, threads=1)


@pytest.fixture
def photo(found: dict[str, UprightPhoto]) -> UprightPhoto:
    return found["obama.jpg"]


def test_the_score_is_the_probability_of_the_log_odds(detector: AttackDetector, photo: UprightPhoto) -> None:
    log_odds = detector.log_odds(photo.image.pixels, photo.faces[0])
    assert math.isfinite(log_odds)
    assert detector.score(photo.image.pixels, photo.faces[0]) == probability(log_odds)


def test_a_second_look_gives_the_same_bits(detector: AttackDetector, photo: UprightPhoto) -> None:
    first, second = (detector.log_odds(photo.image.pixels, photo.faces[0]) for _ in range(2))
    assert first == second


def test_the_chip_shows_the_face_above_its_surroundings(photo: UprightPhoto) -> None:
    pixels, face = photo.image.pixels, photo.faces[0]
    chip = chip_of(pixels, face)
    assert chip.shape == (192, 112, 3)
    assert (chip[:112] == FACE.chip(pixels, face)).all()
    assert (chip[112:, :80] == AROUND.chip(pixels, face)).all()
    assert not chip[112:, 80:].any()


def test_without_a_licence_nothing_is_opened(registry: Registry, no_licences: VerifiedLicences) -> None:
    with pytest.raises(LicensingError):
        AttackDetector.open(registry, no_licences, threads=1)


def test_a_registry_without_the_network_is_refused(licences: VerifiedLicences) -> None:
    with pytest.raises(ModelKindMissingError, match="liveness"):
        AttackDetector.open(Registry((), ()), licences, threads=1)


@pytest.mark.parametrize(("log_odds", "expected"), [(0.0, 0.5), (2.0, 0.880797077977882), (-900.0, 0.0), (900.0, 1.0)])
def test_the_probability_is_the_logistic_function(log_odds: float, expected: float) -> None:
    assert probability(log_odds) == pytest.approx(expected, abs=1e-12)
    assert probability(-log_odds) == pytest.approx(1 - expected, abs=1e-12)


def test_black_is_an_input_like_any_other(detector: AttackDetector, photo: UprightPhoto) -> None:
    assert math.isfinite(detector.log_odds(np.zeros_like(photo.image.pixels), photo.faces[0]))
