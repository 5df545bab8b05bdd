from __future__ import annotations

import cv2
import numpy as np
import pytest

from senseid_engine.liveness.temporal.homography import fit_homography, without_noise
from tests.engine.liveness.temporal.textures import AREA, SIDE, speaking, texture, tilted


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return texture(1).astype(np.uint8)


@pytest.mark.parametrize("swelling", [0.0, 3.0])  # a mouth that moves by itself changes nothing for the plane
def test_the_movement_of_a_plane_is_found(face: np.ndarray, swelling: float) -> None:
    fit = fit_homography(face, speaking(tilted(face), swelling), AREA)
    assert fit is not None
    corners = np.array([[[40, 40]], [[120, 40]], [[80, 70]]], np.float32)
    start = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    end = start + np.array([[3, 2], [-2, 4], [-4, -3], [2, -1]], np.float32)
    true = cv2.perspectiveTransform(corners, cv2.getPerspectiveTransform(start, end))
    assert np.abs(cv2.perspectiveTransform(corners, fit.homography) - true).max() < 0.5


def test_corners_lie_inside_the_mask(face: np.ndarray) -> None:
    fit = fit_homography(face, face, AREA)
    assert fit is not None
    columns, rows = np.round(fit.start[:, 0]).astype(int).T
    assert (AREA[rows, columns] > 0).all()
    assert np.abs(fit.end - fit.start).max() < 0.01


def test_what_has_no_corners_cannot_be_followed() -> None:
    grey = np.full((SIDE, SIDE), 90, np.uint8)
    assert fit_homography(grey, grey, AREA) is None


def test_another_picture_cannot_be_followed(face: np.ndarray) -> None:
    other = np.random.default_rng(3).integers(0, 255, face.shape, np.uint8)
    assert fit_homography(face, other, AREA) is None


def test_noise_is_taken_out(face: np.ndarray) -> None:
    noisy = np.clip(face + np.random.default_rng(5).normal(0, 6, face.shape), 0, 255).astype(np.uint8)
    left = without_noise(noisy).astype(float) - without_noise(face)
    assert left.std() < 2
