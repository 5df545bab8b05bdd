"""Brightness and sharpness, on faces made darker, brighter, blurred and noisy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from senseid_engine.quality.brightness import brightness
from senseid_engine.quality.chip import SIDE, Chip, cut
from senseid_engine.quality.features import five_features
from senseid_engine.quality.sharpness import BLURRED, SCALES, sharpness

if TYPE_CHECKING:
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
    assert sharpness(Chip(np.zeros((SIDE, SIDE), np.float32), NOWHERE)) == 0


def test_the_chip_of_a_real_face(chip: Chip) -> None:
    assert chip.luma.shape == chip.face.shape == (SIDE, SIDE)
    assert 0.1 < chip.face.mean() < 0.5
    assert chip.face[SIDE // 3, SIDE // 2]  # between the eyes
    assert not chip.face[0].any()


def test_gamma_moves_brightness_and_hardly_sharpness(chip: Chip) -> None:
    curves = [Chip((255 * (chip.luma / 255) ** gamma).astype(np.float32), chip.face) for gamma in (0.5, 1, 2)]
    values = [brightness(curve) for curve in curves]
    assert values == sorted(values, reverse=True)
    assert all(-1 < value < 1 for value in values)
    assert [sharpness(curve) for curve in curves] == pytest.approx([sharpness(chip)] * 3, abs=0.12)


def test_blur_lowers_sharpness_step_by_step(chip: Chip) -> None:
    blurred = [chip.luma] + [cv2.GaussianBlur(chip.luma, (0, 0), sigma) for sigma in (0.7, 1, 1.5, 2, 3, 5)]
    values = [sharpness(Chip(luma, chip.face)) for luma in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.4
    assert values[-1] < 0.1


def test_contrast_cancels_out(chip: Chip) -> None:
    assert sharpness(Chip(chip.luma / 2 + 40, chip.face)) == pytest.approx(sharpness(chip), abs=0.01)


def test_noise_is_not_sharpness(chip: Chip) -> None:
    rng = np.random.default_rng(0)
    blurred = cv2.GaussianBlur(chip.luma, (0, 0), 2.5)
    noisy = (blurred + rng.normal(0, 8, blurred.shape)).astype(np.float32)
    assert sharpness(Chip(noisy, chip.face)) < sharpness(Chip(blurred, chip.face)) + 0.05


def test_the_ends_of_the_scale() -> None:
    y, x = np.indices((SIDE, SIDE), dtype=np.float32)
    parabola = ((x - 64) ** 2 + (y - 64) ** 2) / 40
    assert sharpness(Chip(parabola, FACE)) == pytest.approx(0, abs=0.02)
    assert sharpness(flat(100)) == 0
    assert (SCALES[1] ** 2 - SCALES[0] ** 2) / (SCALES[2] ** 2 - SCALES[1] ** 2) == BLURRED
    # Fine stripes on a part of the face; what is fine everywhere is noise.
    stripes = np.where((x % 6 < 3) & (y > 60), 200, 50).astype(np.float32)
    assert sharpness(Chip(stripes, FACE)) == 1
