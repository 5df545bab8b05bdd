from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.liveness.temporal.ageing import ageing
from tests.engine.liveness.temporal.textures import AREA, TIMES, speaking, texture


@pytest.mark.parametrize("amount", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_photo_that_is_warped_keeps_its_texture(amount: float, noise: float) -> None:
    face, rng = texture(1), np.random.default_rng(2)
    views = [
        np.clip(speaking(face, amount * np.sin(0.9 * i)) + rng.normal(0, noise, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(TIMES))
    ]
    found = ageing(TIMES, views, lambda *_: AREA)
    assert found is not None
    assert found < 0.055


def test_a_face_whose_light_and_shade_change_is_seen() -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    views = [
        np.clip(
            speaking(face, np.sin(0.9 * i)) + 0.4 * np.sin(0.7 * i) * (shade - 128) + rng.normal(0, 2, face.shape),
            0,
            255,
        ).astype(np.uint8)
        for i in range(len(TIMES))
    ]
    found = ageing(TIMES, views, lambda *_: AREA)
    assert found is not None
    assert found > 0.08


def test_a_second_is_needed() -> None:
    view = texture(1).astype(np.uint8)
    assert ageing([0.0, 0.1, 0.2, 0.3, 0.4], [view] * 5, lambda *_: AREA) is None
    assert ageing([0.0], [view], lambda *_: AREA) is None


@pytest.mark.parametrize(("seconds", "seen"), [(3, False), (10, True)])
def test_a_face_that_changes_slowly_is_looked_at_for_longer(seconds: int, *, seen: bool) -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    times = [i / 10 for i in range(10 * seconds)]
    views = [
        np.clip(face + 0.4 * np.sin(0.1 * time) * (shade - 128) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for time in times
    ]
    found = ageing(times, views, lambda *_: AREA)
    assert found is not None
    assert (found > 0.08) == seen


def test_a_photo_does_not_age_however_long_it_is_looked_at() -> None:
    face, rng = texture(1), np.random.default_rng(2)
    times = [i / 10 for i in range(100)]
    views = [
        np.clip(speaking(face, 3 * np.sin(0.4 * i)) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(times))
    ]
    found = ageing(times, views, lambda *_: AREA)
    assert found is not None
    assert found < 0.055
