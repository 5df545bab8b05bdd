"""Brightness and sharpness, on faces made darker, brighter, blurred, noisy, enlarged and shaken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from senseid_engine.quality.chip import SIDE, Chip, brightness, cut
from senseid_engine.quality.eyes import eye_distance
from senseid_engine.quality.features import five_features
from senseid_engine.quality.sharpness import BLURRED, CHIP_COUNTS, SCALES, SMALLEST, chip_sharpness, sharpness
from tests.worse_photos import enlarged, shaken

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.arrays import Pixels
    from senseid_engine.finder import UprightPhoto

FACE = np.zeros((SIDE, SIDE), bool)
FACE[30:90, 30:100] = True
NOWHERE = np.zeros((SIDE, SIDE), bool)


def flat(luma: float) -> Chip:
    return Chip(np.full((SIDE, SIDE), luma, np.float32), FACE)


@pytest.fixture(scope="module")
def chip(found: dict[str, UprightPhoto]) -> Chip:
    photo = found["obama.jpg"]
    landmarks = photo.faces[0].landmarks
    features = five_features(landmarks, photo.image.width, photo.image.height)
    return cut(photo.image.pixels, landmarks, features)


def test_brightness_from_black_to_white() -> None:
    assert brightness(flat(0)) == -1
    assert brightness(flat(127.5)) == 0
    assert brightness(flat(255)) == 1


def test_only_the_face_counts() -> None:
    luma = np.zeros((SIDE, SIDE), np.float32)
    luma[FACE] = 255
    assert brightness(Chip(luma, FACE)) == 1


def test_a_face_outside_the_photo_has_neither() -> None:
    assert brightness(Chip(np.zeros((SIDE, SIDE), np.float32), NOWHERE)) == 0
    assert chip_sharpness(Chip(np.zeros((SIDE, SIDE), np.float32), NOWHERE)) == 0


def test_the_chip_of_a_real_face(chip: Chip) -> None:
    assert chip.luma.shape == chip.face.shape == (SIDE, SIDE)
    assert 0.1 < chip.face.mean() < 0.5
    assert chip.face[SIDE // 3, SIDE // 2]  # between the eyes
    assert not chip.face[0].any()


def test_gamma_moves_brightness_and_hardly_chip_sharpness(chip: Chip) -> None:
    curves = [Chip((255 * (chip.luma / 255) ** gamma).astype(np.float32), chip.face) for gamma in (0.5, 1, 2)]
    values = [brightness(curve) for curve in curves]
    assert values == sorted(values, reverse=True)
    assert all(-1 < value < 1 for value in values)
    assert [chip_sharpness(curve) for curve in curves] == pytest.approx([chip_sharpness(chip)] * 3, abs=0.12)


def test_blur_lowers_sharpness_step_by_step(chip: Chip) -> None:
    blurred = [chip.luma] + [cv2.GaussianBlur(chip.luma, (0, 0), sigma) for sigma in (0.7, 1, 1.5, 2, 3, 5)]
    values = [chip_sharpness(Chip(luma, chip.face)) for luma in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.4
    assert values[-1] < 0.1


def test_contrast_cancels_out(chip: Chip) -> None:
    assert chip_sharpness(Chip(chip.luma / 2 + 40, chip.face)) == pytest.approx(chip_sharpness(chip), abs=0.01)


def test_noise_is_not_chip_sharpness(chip: Chip) -> None:
    rng = np.random.default_rng(0)
    blurred = cv2.GaussianBlur(chip.luma, (0, 0), 2.5)
    noisy = (blurred + rng.normal(0, 8, blurred.shape)).astype(np.float32)
    assert chip_sharpness(Chip(noisy, chip.face)) < chip_sharpness(Chip(blurred, chip.face)) + 0.05


def test_the_ends_of_the_scale() -> None:
    y, x = np.indices((SIDE, SIDE), dtype=np.float32)
    parabola = ((x - 64) ** 2 + (y - 64) ** 2) / 40
    assert chip_sharpness(Chip(parabola, FACE)) == pytest.approx(0, abs=0.02)
    assert chip_sharpness(flat(100)) == 0
    assert (SCALES[1] ** 2 - SCALES[0] ** 2) / (SCALES[2] ** 2 - SCALES[1] ** 2) == BLURRED
    # Fine stripes on a part of the face; what is fine everywhere is noise.
    stripes = np.where((x % 6 < 3) & (y > 60), 200, 50).astype(np.float32)
    assert chip_sharpness(Chip(stripes, FACE)) == 1


@pytest.fixture(scope="module")
def sharpness_of(found: dict[str, UprightPhoto]) -> Callable[[Pixels], float]:
    """The sharpness of a changed obama.jpg, its face where it was."""
    photo = found["obama.jpg"]
    landmarks = photo.faces[0].landmarks
    features = five_features(landmarks, photo.image.width, photo.image.height)

    def measure(pixels: Pixels) -> float:
        return sharpness(cut(pixels, landmarks, features), pixels, features, eye_distance(landmarks))

    return measure


ENROL = 0.3


@pytest.mark.parametrize("how", [cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
def test_an_enlarged_photo_is_not_sharp(
    found: dict[str, UprightPhoto], chip: Chip, sharpness_of: Callable[[Pixels], float], how: int
) -> None:
    pixels = found["obama.jpg"].image.pixels
    values = [sharpness_of(enlarged(pixels, share, how)) for share in (0.3, 0.6)]
    assert values[0] < ENROL < values[1] < sharpness_of(pixels) <= chip_sharpness(chip)


@pytest.mark.parametrize("angle", [0, 0.8, 1.6, 2.4])
def test_a_shaken_photo_is_not_sharp_whatever_the_direction(
    found: dict[str, UprightPhoto], sharpness_of: Callable[[Pixels], float], angle: float
) -> None:
    pixels = found["obama.jpg"].image.pixels
    assert sharpness_of(shaken(pixels, 9, angle)) < ENROL


def test_noise_does_not_make_an_enlarged_photo_sharp(
    found: dict[str, UprightPhoto], sharpness_of: Callable[[Pixels], float]
) -> None:
    blurred = enlarged(found["obama.jpg"].image.pixels, 0.3, cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 3, blurred.shape)
    assert sharpness_of(np.clip(blurred + noise, 0, 255).astype(np.uint8)) < ENROL


def test_a_face_of_few_pixels_is_judged_by_its_chip_alone(found: dict[str, UprightPhoto], chip: Chip) -> None:
    photo = found["obama.jpg"]
    landmarks = photo.faces[0].landmarks
    features = five_features(landmarks, photo.image.width, photo.image.height)
    blurred = cv2.GaussianBlur(photo.image.pixels, (0, 0), 2)
    assert sharpness(chip, blurred, features, SMALLEST) == chip_sharpness(chip)
    between, beyond = (sharpness(chip, blurred, features, distance) for distance in (SMALLEST + 5, 100.0))
    assert beyond < between < chip_sharpness(chip)


def test_a_dull_chip_counts_for_more_where_the_photo_has_pixels_of_its_own(
    found: dict[str, UprightPhoto], chip: Chip
) -> None:
    photo = found["obama.jpg"]
    landmarks = photo.faces[0].landmarks
    features = five_features(landmarks, photo.image.width, photo.image.height)
    dull = Chip(cv2.GaussianBlur(chip.luma, (0, 0), 1.5), chip.face)
    few, many = (sharpness(dull, photo.image.pixels, features, distance) for distance in (SMALLEST, 100.0))
    assert few == chip_sharpness(dull)
    assert many == pytest.approx(CHIP_COUNTS * few)
