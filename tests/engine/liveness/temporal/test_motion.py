from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.liveness.temporal.motion import MOST_PAIRS, non_rigid, pairs_apart, patient_lags
from tests.engine.liveness.temporal.textures import AREA, TIMES, speaking, texture


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return texture(1).astype(np.uint8)


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


def test_pairs_are_about_the_lag_apart() -> None:
    times = [0.0, 0.5, 0.95, 1.6, 3.2, 4.1]
    assert pairs_apart(times, 1.0) == [(0, 2), (1, 3), (4, 5)]


def test_there_are_never_too_many_pairs() -> None:
    pairs = pairs_apart([i / 30 for i in range(600)], 0.5)
    assert len(pairs) == MOST_PAIRS
    assert pairs[0] == (0, 15)
    assert all(0.35 <= (j - i) / 30 <= 0.65 for i, j in pairs)


def test_a_face_that_does_little_is_looked_at_for_longer(face: np.ndarray) -> None:
    times = [i / 10 for i in range(100)]
    views = [speaking(face, 0.8 * i / 10) for i in range(100)]
    soon = non_rigid(times[:30], views[:30], lambda *_: AREA)
    late = non_rigid(times, views, lambda *_: AREA)
    assert soon is not None
    assert late is not None
    assert late > 2 * soon


def test_patience_has_its_limits() -> None:
    assert patient_lags([0.0, 2.0]) == []
    assert patient_lags([0.0, 5.0]) == [2.0]
    assert patient_lags([1.0, 21.0]) == [8.0, 4.0, 2.0]
    assert patient_lags([0.0, 60.0]) == [8.0, 4.0, 2.0]
