from __future__ import annotations

import math

import numpy as np
import pytest

from senseid_engine.liveness.temporal.mesh import blink, mouth, off_plane


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """468 points on half an ellipsoid, x, y, z, with open eyes and a closed mouth."""
    rng = np.random.default_rng(6)
    flat = rng.uniform(-1, 1, (4000, 2))
    flat = flat[(flat**2).sum(axis=1) < 1][:468]
    points = np.column_stack([60 * flat[:, 0], 80 * flat[:, 1], -50 * np.sqrt(1 - (flat**2).sum(axis=1))])
    for upper, lower, one, other, x in ((159, 145, 33, 133, -25), (386, 374, 362, 263, 25)):
        points[[upper, lower, one, other], :2] = [[x, -24], [x, -16], [x - 12, -20], [x + 12, -20]]
    points[[13, 14, 61, 291], :2] = [[0, 40], [0, 41], [-20, 40], [20, 40]]
    return points


def turned(head: np.ndarray, degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    x = head[:, 0] * math.cos(angle) + head[:, 2] * math.sin(angle)
    return np.stack([x, head[:, 1]], axis=1) + 100


def test_a_head_that_turns_is_no_plane(head: np.ndarray) -> None:
    meshes = np.stack([turned(head, 12 * math.sin(i / 3)) for i in range(20)]).astype(np.float32)
    found = off_plane(meshes)
    assert found is not None
    assert found > 0.005


def test_a_photo_that_turns_is_one(head: np.ndarray) -> None:
    flat = head * (1, 1, 0)
    rng = np.random.default_rng(7)
    meshes = np.stack([turned(flat, 12 * math.sin(i / 3)) for i in range(20)]) + rng.normal(0, 0.1, (20, 468, 2))
    found = off_plane(meshes.astype(np.float32))
    assert found is not None
    assert found < 0.0015


def test_four_frames_are_too_few(head: np.ndarray) -> None:
    assert off_plane(np.stack([turned(head, 0)] * 4).astype(np.float32)) is None


def test_a_blink_is_measured_against_open_eyes(head: np.ndarray) -> None:
    open_eyes = turned(head, 0)
    closed = open_eyes.copy()
    for upper, lower in ((159, 145), (386, 374)):
        closed[upper, 1] = closed[lower, 1] - 2  # a quarter of the opening
    assert blink(np.stack([open_eyes] * 9).astype(np.float32)) == 0
    assert blink(np.stack([open_eyes] * 8 + [closed]).astype(np.float32)) == pytest.approx(0.75, abs=1e-5)


def test_a_mouth_that_opens_has_a_range(head: np.ndarray) -> None:
    shut = turned(head, 0)
    opened = shut.copy()
    opened[14, 1] += 12  # of a mouth 40 wide
    assert mouth(np.stack([shut] * 9).astype(np.float32)) == 0
    assert mouth(np.stack([shut, opened] * 5).astype(np.float32)) == pytest.approx(0.3, abs=1e-5)
