from __future__ import annotations

import numpy as np

from senseid_engine.liveness.temporal.flicker import flicker


def clip(strength: float, noise: float = 2.0) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    y = np.arange(120)[:, None, None]
    scene = rng.uniform(60, 180, (120, 90, 3))
    return [
        np.clip(
            scene * (1 + strength * np.sin(2 * np.pi * (2 * y / 120 - 0.37 * i))) + rng.normal(0, noise, scene.shape),
            0,
            255,
        ).astype(np.uint8)
        for i in range(25)
    ]


def test_bands_are_measured_by_their_strength() -> None:
    weak, strong = flicker(clip(0.05)), flicker(clip(0.15))
    assert weak is not None
    assert strong is not None
    assert 0.02 < weak < 0.09
    assert 2 < strong / weak < 4


def test_a_steady_scene_has_none() -> None:
    found = flicker(clip(0.0))
    assert found is not None
    assert found < 0.005


def test_light_that_changes_everywhere_at_once_is_no_band() -> None:
    scene = clip(0.0, noise=0.0)[0].astype(float)
    frames = [(scene * (1 + 0.2 * np.sin(i))).clip(0, 255).astype(np.uint8) for i in range(25)]
    found = flicker(frames)
    assert found is not None
    assert found < 0.02


def test_seven_frames_are_too_few() -> None:
    assert flicker(clip(0.1)[:7]) is None
