from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.liveness.temporal.texture import comparer
from senseid_engine.liveness.temporal.texture_evenness import texture_evenness
from tests.engine.liveness.temporal.textures import AREA, TIMES, speaking, texture

if TYPE_CHECKING:
    from senseid_engine.liveness.fusion import Ramp


def evenness(views: list[np.ndarray], times: list[float] = TIMES) -> float | None:
    rng = np.random.default_rng(2)
    noisy = [np.clip(view + rng.normal(0, 2, view.shape), 0, 255).astype(np.uint8) for view in views]
    return texture_evenness(times, comparer(noisy, lambda *_: AREA))


def animated(number: int, seconds: float, fade: float, count: int = 2) -> np.ndarray:
    """Photos that are warped, each for some seconds, then fading into the next."""
    place = number / 10 / seconds
    share = min(max((place % 1 - 1 + fade / seconds) / (fade / seconds), 0), 1)
    one, other = texture(1 + int(place) % count), texture(1 + (int(place) + 1) % count)
    return speaking((1 - share) * one + share * other, 3 * np.sin(0.5 * number))


@pytest.mark.parametrize(("seconds", "fade"), [(0.9, 0.2), (2.0, 0.5), (1.2, 0.1), (0.6, 0.1)])
def test_photos_follow_each_other(seconds: float, fade: float, ramps: dict[str, Ramp]) -> None:
    found = evenness([animated(i, seconds, fade) for i in range(len(TIMES))])
    assert found is not None
    assert found < ramps["texture_evenness"].values[0]


def test_one_change_is_found_in_a_long_clip(ramps: dict[str, Ramp]) -> None:
    times = [i / 10 for i in range(100)]
    found = evenness([animated(i, 6.0, 0.4) for i in range(100)], times)
    assert found is not None
    assert found < ramps["texture_evenness"].values[0]


def test_a_face_changes_all_the_time(ramps: dict[str, Ramp]) -> None:
    views = [
        speaking(texture(1), 3 * np.sin(0.9 * i)) + 0.3 * np.sin(0.7 * i) * (texture(7) - 128)
        for i in range(len(TIMES))
    ]
    found = evenness(views)
    assert found is not None
    assert found > ramps["texture_evenness"].values[1]


def test_one_photo_follows_no_other(ramps: dict[str, Ramp]) -> None:
    found = evenness([speaking(texture(1), 3 * np.sin(0.5 * i)) for i in range(len(TIMES))])
    assert found is not None
    assert found > ramps["texture_evenness"].values[1]


def test_a_still_changes_evenly() -> None:
    still = [texture(1).astype(np.uint8)] * len(TIMES)
    assert texture_evenness(TIMES, comparer(still, lambda *_: AREA)) == 1


def test_a_few_views_are_too_few() -> None:
    view = texture(1).astype(np.uint8)
    assert texture_evenness([0.0, 0.1, 0.2, 0.3, 0.4], comparer([view] * 5, lambda *_: AREA)) is None
    assert texture_evenness([0.0], comparer([view], lambda *_: AREA)) is None
    assert texture_evenness(TIMES, comparer([view] * len(TIMES), lambda *_: np.zeros_like(AREA))) is None
