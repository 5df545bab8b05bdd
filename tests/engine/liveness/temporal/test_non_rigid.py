from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.liveness.temporal.non_rigid import homography_residual, non_rigid
from tests.engine.liveness.temporal.textures import AREA, TIMES, speaking, texture, tilted


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return texture(1).astype(np.uint8)


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
    found = homography_residual(face, speaking(tilted(face), 3), AREA)
    assert found is not None
    assert found > 0.9


def test_a_still_does_not_move(face: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    views = [np.clip(face + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8) for _ in TIMES]
    moves = non_rigid(TIMES, views, lambda *_: AREA)
    assert moves is not None
    assert moves < 0.35


def test_a_mouth_that_moves_is_seen(face: np.ndarray) -> None:
    views = [speaking(face, 3 * np.sin(0.9 * i)) for i in range(len(TIMES))]
    moves = non_rigid(TIMES, views, lambda *_: AREA)
    assert moves is not None
    assert moves > 0.9


def test_two_frames_are_too_few(face: np.ndarray) -> None:
    assert non_rigid([0.0, 1.0], [face, face], lambda *_: AREA) is None


def test_a_face_that_does_little_is_looked_at_for_longer(face: np.ndarray) -> None:
    times = [i / 10 for i in range(100)]
    views = [speaking(face, 0.8 * i / 10) for i in range(100)]
    soon = non_rigid(times[:30], views[:30], lambda *_: AREA)
    late = non_rigid(times, views, lambda *_: AREA)
    assert soon is not None
    assert late is not None
    assert late > 2 * soon
