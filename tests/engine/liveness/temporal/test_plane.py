from __future__ import annotations

import cv2
import numpy as np
import pytest

from senseid_engine.liveness.temporal.plane import departure
from tests.engine.liveness.temporal.textures import AREA, SIDE


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
    found = departure(face, face, AREA)
    assert found is not None
    assert found < 0.01


def test_a_plane_that_is_moved_and_tilted_hardly_departs(face: np.ndarray) -> None:
    found = departure(face, tilted(face), AREA)
    assert found is not None
    assert found < 0.2


def test_noise_is_no_movement(face: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    first, second = (
        np.clip(view + rng.normal(0, 6, view.shape), 0, 255).astype(np.uint8) for view in (face, tilted(face))
    )
    found = departure(first, second, AREA)
    assert found is not None
    assert found < 0.2


def test_a_part_that_moves_by_itself_departs(face: np.ndarray) -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    swelling = 3 * np.exp(-((x - 80) ** 2 + (y - 110) ** 2) / 30**2)  # as a mouth opens
    moved = cv2.remap(tilted(face), x, (y + swelling).astype(np.float32), cv2.INTER_LINEAR)
    found = departure(face, moved, AREA)
    assert found is not None
    assert found > 0.9


def test_what_has_no_corners_cannot_be_followed() -> None:
    grey = np.full((SIDE, SIDE), 90, np.uint8)
    assert departure(grey, grey, AREA) is None


def test_another_picture_cannot_be_followed(face: np.ndarray) -> None:
    other = np.random.default_rng(3).integers(0, 255, face.shape, np.uint8)
    assert departure(face, other, AREA) is None
