from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.liveness.temporal.texture import comparer
from senseid_engine.liveness.temporal.texture_change import texture_change
from tests.engine.liveness.temporal.textures import AREA, SIDE, TIMES, speaking, texture

if TYPE_CHECKING:
    from senseid_engine.liveness.fusion import Ramp


@pytest.mark.parametrize("amount", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_a_photo_that_is_warped_keeps_its_texture(amount: float, noise: float, ramps: dict[str, Ramp]) -> None:
    face, rng = texture(1), np.random.default_rng(2)
    views = [
        np.clip(speaking(face, amount * np.sin(0.9 * i)) + rng.normal(0, noise, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(TIMES))
    ]
    found = texture_change(TIMES, comparer(views, lambda *_: AREA))
    assert found is not None
    assert found < ramps["texture_change"].values[0]


@pytest.mark.parametrize("speed", [0.3, 0.53])  # with the second, views 0.2 s apart differ more than 1 s apart
def test_a_face_whose_light_and_shade_change_is_seen(speed: float, ramps: dict[str, Ramp]) -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    times = [i / 10 for i in range(30)]
    views = [
        np.clip(
            speaking(face, np.sin(0.9 * i)) + 0.4 * np.sin(speed * i) * (shade - 128) + rng.normal(0, 2, face.shape),
            0,
            255,
        ).astype(np.uint8)
        for i in range(len(times))
    ]
    found = texture_change(times, comparer(views, lambda *_: AREA))
    assert found is not None
    assert found > ramps["texture_change"].values[1]


def test_frames_at_uneven_times_are_enough(ramps: dict[str, Ramp]) -> None:
    """Of fifteen a second with gaps of 40 and 160 ms none are 0.1 s apart."""
    face, rng = texture(1), np.random.default_rng(2)
    times = [0.2 * (i // 2) + 0.16 * (i % 2) for i in range(30)]
    views = [
        np.clip(speaking(face, np.sin(3 * time)) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for time in times
    ]
    found = texture_change(times, comparer(views, lambda *_: AREA))
    assert found is not None
    assert found < ramps["texture_change"].values[0]


def test_a_lamp_that_grows_dimmer_is_not_age(ramps: dict[str, Ramp]) -> None:
    face, rng = texture(1), np.random.default_rng(2)
    views = [
        np.clip((0.8 + 0.1 * np.sin(0.3 * i)) * speaking(face, np.sin(0.9 * i)) + rng.normal(0, 2, face.shape), 0, 255)
        for i in range(len(TIMES))
    ]
    found = texture_change(TIMES, comparer([view.astype(np.uint8) for view in views], lambda *_: AREA))
    assert found is not None
    assert found < ramps["texture_change"].values[0]


def test_what_appears_in_one_place_is_not_age(ramps: dict[str, Ramp]) -> None:
    """A photo whose mouth is warped, and painted dark where it is open."""
    face, rng = texture(1), np.random.default_rng(2)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    views = []
    for i in range(len(TIMES)):
        opened = max(0.0, float(np.sin(0.9 * i)))
        mouth = ((x - 80) / 22) ** 2 + ((y - 110) / (1 + 10 * opened)) ** 2 < 1
        view = np.where(mouth, 20, speaking(face, 3 * opened))
        views.append(np.clip(view + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8))
    found = texture_change(TIMES, comparer(views, lambda *_: AREA))
    assert found is not None
    assert found < ramps["texture_change"].values[0]


def test_too_little_of_a_face_says_nothing() -> None:
    views = [texture(1).astype(np.uint8)] * len(TIMES)
    few, stripes = np.zeros_like(AREA), np.zeros_like(AREA)
    few[80:100, 80:104] = 255
    for row in range(30, 60, 8):
        stripes[row : row + 2, 20:140] = 255  # pixels enough, and no cell that is half full
    assert texture_change(TIMES, comparer(views, lambda *_: few)) is None
    assert texture_change(TIMES, comparer(views, lambda *_: stripes)) is None


def test_a_second_is_needed() -> None:
    view = texture(1).astype(np.uint8)
    assert texture_change([0.0, 0.1, 0.2, 0.3, 0.4], comparer([view] * 5, lambda *_: AREA)) is None
    assert texture_change([0.0], comparer([view], lambda *_: AREA)) is None


@pytest.mark.parametrize(("seconds", "seen"), [(3, False), (10, True)])
def test_a_face_that_changes_slowly_is_looked_at_for_longer(
    seconds: int, *, seen: bool, ramps: dict[str, Ramp]
) -> None:
    face, shade, rng = texture(1), texture(7), np.random.default_rng(2)
    times = [i / 10 for i in range(10 * seconds)]
    views = [
        np.clip(face + 0.2 * np.sin(0.1 * time) * (shade - 128) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for time in times
    ]
    found = texture_change(times, comparer(views, lambda *_: AREA))
    assert found is not None
    assert (found > ramps["texture_change"].values[1]) == seen


def test_a_photo_does_not_age_however_long_it_is_looked_at(ramps: dict[str, Ramp]) -> None:
    face, rng = texture(1), np.random.default_rng(2)
    times = [i / 10 for i in range(100)]
    views = [
        np.clip(speaking(face, 3 * np.sin(0.4 * i)) + rng.normal(0, 2, face.shape), 0, 255).astype(np.uint8)
        for i in range(len(times))
    ]
    found = texture_change(times, comparer(views, lambda *_: AREA))
    assert found is not None
    assert found < ramps["texture_change"].values[0]
