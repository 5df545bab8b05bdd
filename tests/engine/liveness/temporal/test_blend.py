from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.liveness.temporal.blend import blend_residual
from tests.engine.liveness.temporal.textures import AREA, SIDE, TIMES, speaking, texture, tilted


def noisy(views: list[np.ndarray], noise: float = 2.0) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    return [np.clip(view + rng.normal(0, noise, view.shape), 0, 255).astype(np.uint8) for view in views]


def fading(share: float, *, other: int = 7) -> np.ndarray:
    return (1 - share) * texture(1) + share * texture(other)


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_photos_that_fade_into_each_other_are_blends(seconds: float) -> None:
    left = blend_residual(noisy([fading(min(time / seconds, 1)) for time in TIMES]), lambda *_: AREA, 1.0)
    assert left is not None
    assert left < 0.1


def test_photos_that_fade_while_they_are_moved_are_blends() -> None:
    views = [fading(time / 3) for time in TIMES]
    left = blend_residual(
        noisy([view if i % 2 else tilted(view) for i, view in enumerate(views)]), lambda *_: AREA, 1.0
    )
    assert left is not None
    assert left < 0.15


def test_a_still_is_a_blend() -> None:
    left = blend_residual([texture(1).astype(np.uint8)] * len(TIMES), lambda *_: AREA, 1.0)
    assert left is not None
    assert left < 0.01


def test_a_face_that_moves_by_itself_is_none() -> None:
    left = blend_residual([speaking(texture(1), 4 * np.sin(2.5 * i)) for i in range(len(TIMES))], lambda *_: AREA, 1.0)
    assert left is not None
    assert left > 0.15


def test_a_face_that_changes_all_the_time_is_none() -> None:
    views = [texture(1) + 0.6 * np.sin(1.5 * i) * (texture(7) - 128) + 20 * np.cos(2 * i) for i in range(len(TIMES))]
    grown = [view + 0.5 * np.cos(1.1 * i) * (texture(9) - 128) for i, view in enumerate(views)]
    left = blend_residual(noisy(grown), lambda *_: AREA, 1.0)
    assert left is not None
    assert left > 0.15


def test_a_few_views_are_too_few() -> None:
    views = [fading(i / 5).astype(np.uint8) for i in range(5)]
    assert blend_residual(views, lambda *_: AREA, 1.0) is None
    assert blend_residual(views[:1], lambda *_: AREA, 1.0) is None
    assert blend_residual([], lambda *_: AREA, 1.0) is None


def test_what_has_no_corners_cannot_be_compared() -> None:
    assert blend_residual([np.full((SIDE, SIDE), 90, np.uint8)] * len(TIMES), lambda *_: AREA, 1.0) is None
