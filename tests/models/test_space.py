"""The last layer of `sface`: learned from many faces, and undone again."""

import numpy as np
import pytest

from models.recipes.recognition import space
from senseid_engine.embed import unit


def features(count: int) -> np.ndarray:
    """Made-up features with something in common, which differ along some directions more than along others."""
    rng = np.random.default_rng(count)
    return unit((rng.normal(size=(count, 128)) * np.linspace(1, 4, 128) + 1).astype(np.float32))


def test_the_layer_counts_less_what_differs_little() -> None:
    seen = features(4000)
    matrix = space.learn(seen)[:-1]
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-6)  # it turns nothing
    gain = np.linalg.norm(matrix, axis=0)
    assert gain[-1] / gain[0] == pytest.approx(16**space.POWER, rel=0.1)


def test_a_step_is_made_towards_the_mean_face() -> None:
    seen = features(4000)
    learned = space.learn(seen)
    np.testing.assert_allclose(learned[-1], space.STEP * seen.mean(axis=0) @ learned[:-1], atol=1e-6)


def test_what_the_layer_does_can_be_undone() -> None:
    some = features(5)
    np.testing.assert_allclose(space.undo(space.apply(3 * some)), some, atol=1e-5)
