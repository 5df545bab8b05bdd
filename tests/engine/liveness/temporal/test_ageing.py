from __future__ import annotations

import cv2
import numpy as np
import pytest

from senseid_engine.liveness.temporal.ageing import ageing

SIDE = 160
OUTLINE = np.array([[20, 20], [140, 20], [140, 140], [20, 140]], np.float32)
TIMES = [i / 10 for i in range(30)]


def texture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.uniform(0, 255, (n, n)).astype(np.float32), (SIDE, SIDE)) for n in (8, 16, 32)]
    return np.mean(layers, axis=0).astype(np.float32)


def warped(face: np.ndarray, amount: float) -> np.ndarray:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    down = amount * np.exp(-((x - 80) ** 2 + (y - 110) ** 2) / 30**2)
    return cv2.remap(face, x, (y + down).astype(np.float32), cv2.INTER_LINEAR)


@pytest.mark.parametrize("amount", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_photo_that_is_warped_keeps_its_texture(amount: float, noise: float) -> None:
    face, rng = texture(1), np.random.default_rng(2)
    views = [
        np.clip(warped(face, amount * np.sin(0.9 * i)) + rng.normal(0, noise, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(TIMES))
    ]
    found = ageing(TIMES, views, lambda _: OUTLINE)
    assert found is not None
    assert found < 0.055


def test_a_face_whose_light_and_shade_change_is_seen() -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    views = [
        np.clip(
            warped(face, np.sin(0.9 * i)) + 0.4 * np.sin(0.7 * i) * (shade - 128) + rng.normal(0, 2, face.shape), 0, 255
        ).astype(np.uint8)
        for i in range(len(TIMES))
    ]
    found = ageing(TIMES, views, lambda _: OUTLINE)
    assert found is not None
    assert found > 0.08


def test_a_second_is_needed() -> None:
    view = texture(1).astype(np.uint8)
    assert ageing([0.0, 0.1, 0.2, 0.3, 0.4], [view] * 5, lambda _: OUTLINE) is None
    assert ageing([0.0], [view], lambda _: OUTLINE) is None


@pytest.mark.parametrize(("seconds", "seen"), [(3, False), (10, True)])
def test_a_face_that_changes_slowly_is_looked_at_for_longer(seconds: int, *, seen: bool) -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    times = [i / 10 for i in range(10 * seconds)]
    views = [
        np.clip(face + 0.4 * np.sin(0.1 * time) * (shade - 128) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for time in times
    ]
    found = ageing(times, views, lambda _: OUTLINE)
    assert found is not None
    assert (found > 0.08) == seen


def test_a_photo_does_not_age_however_long_it_is_looked_at() -> None:
    face, rng = texture(1), np.random.default_rng(2)
    times = [i / 10 for i in range(100)]
    views = [
        np.clip(warped(face, 3 * np.sin(0.4 * i)) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(times))
    ]
    found = ageing(times, views, lambda _: OUTLINE)
    assert found is not None
    assert found < 0.055
