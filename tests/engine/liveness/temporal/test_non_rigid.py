from __future__ import annotations

import cv2
import numpy as np
import pytest

from senseid_engine.liveness.temporal.non_rigid import homography_residual, non_rigid
from tests.engine.liveness.temporal.textures import AREA, SIDE, TIMES, speaking, texture


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """A texture with structure at several scales, as a face has."""
    rng = np.random.default_rng(1)
    layers = [cv2.resize(rng.uniform(0, 255, (n, n)).astype(np.float32), (SIDE, SIDE)) for n in (8, 16, 32)]
    return np.mean(layers, axis=0).astype(np.uint8)


def tilted(face: np.ndarray) -> np.ndarray:
    start = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    end = start + np.array([[3, 2], [-2, 4], [-4, -3], [2, -1]], np.float32)
    return cv2.warpPerspective(face, cv2.getPerspectiveTransform(start, end), (SIDE, SIDE))


def test_the_same_view_does_not_depart(face: np.ndarray) -> None:
    found = homography_residual(face, face, AREA)
    assert found is not None
    assert found < 0.01


def test_a_plane_that_is_moved_and_tilted_hardly_departs(face: np.ndarray) -> None:
    found = homography_residual(face, tilted(face), AREA)
    assert found is not None
    assert found < 0.2


def test_noise_is_no_movement(face: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    first, second = (
        np.clip(view + rng.normal(0, 6, view.shape), 0, 255).astype(np.uint8) for view in (face, tilted(face))
    )
    found = homography_residual(first, second, AREA)
    assert found is not None
    assert found < 0.2


def test_a_part_that_moves_by_itself_departs(face: np.ndarray) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    swelling = 3 * np.exp(-((x - 80) ** 2 + (y - 110) ** 2) / 30**2)  # as a mouth opens
    moved = cv2.remap(tilted(face), x, (y + swelling).astype(np.float32), cv2.INTER_LINEAR)
    found = homography_residual(face, moved, AREA)
    assert found is not None
    assert found > 0.9


def test_what_has_no_corners_cannot_be_followed() -> None:
    grey = np.full((SIDE, SIDE), 90, np.uint8)
    assert homography_residual(grey, grey, AREA) is None


def test_another_picture_cannot_be_followed(face: np.ndarray) -> None:
    other = np.random.default_rng(3).integers(0, 255, face.shape, np.uint8)
    assert homography_residual(face, other, AREA) is None


@pytest.fixture(scope="module")
def speaker() -> np.ndarray:
    return texture(1).astype(np.uint8)


def test_a_still_does_not_move(speaker: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    views = [np.clip(speaker + rng.normal(0, 2, speaker.shape), 0, 255).astype(np.uint8) for _ in TIMES]
    moves = non_rigid(TIMES, views, lambda *_: AREA)
    assert moves is not None
    assert moves < 0.35


def test_a_mouth_that_moves_is_seen(speaker: np.ndarray) -> None:
    views = [speaking(speaker, 3 * np.sin(0.9 * i)) for i in range(len(TIMES))]
    moves = non_rigid(TIMES, views, lambda *_: AREA)
    assert moves is not None
    assert moves > 0.9


def test_two_frames_are_too_few(speaker: np.ndarray) -> None:
    assert non_rigid([0.0, 1.0], [speaker, speaker], lambda *_: AREA) is None


def test_a_face_that_does_little_is_looked_at_for_longer(speaker: np.ndarray) -> None:
    times = [i / 10 for i in range(100)]
    views = [speaking(speaker, 0.8 * i / 10) for i in range(100)]
    soon = non_rigid(times[:30], views[:30], lambda *_: AREA)
    late = non_rigid(times, views, lambda *_: AREA)
    assert soon is not None
    assert late is not None
    assert late > 2 * soon
