"""The parts of the liveness recipe that need no training."""

from __future__ import annotations

import numpy as np
import pytest

from models.recipes.liveness import simulate

FACE = (110.0, 100.0, 90.0)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (200, 220, 3), np.uint8)


@pytest.mark.parametrize("recapture", [simulate.screen, simulate.paper])
def test_a_recapture_is_a_photo_of_the_same_size_and_another_look(recapture, photo: np.ndarray) -> None:
    before = photo.copy()
    for seed in range(6):
        made = recapture(photo, FACE, np.random.default_rng(seed))
        assert made.shape == photo.shape
        assert made.dtype == np.uint8
        assert np.abs(made.astype(int) - photo).mean() > 5
    assert (photo == before).all()


@pytest.mark.parametrize("recapture", [simulate.screen, simulate.paper])
def test_a_recapture_follows_its_seed(recapture, photo: np.ndarray) -> None:
    first, second = (recapture(photo, FACE, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()


def test_the_figures_of_the_judge_are_what_they_say() -> None:
    pytest.importorskip("torch", reason="training needs PyTorch")
    from models.recipes.liveness.judge import apcer_at, auc, calibrate

    live, attacks = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.5, 2.0])
    assert auc(live, attacks) == pytest.approx((1 + 2.5 + 3 + 3) / 12)
    assert apcer_at(live, attacks, 0.0) == pytest.approx(2 / 3)
    assert apcer_at(live, attacks, 0.25) == pytest.approx(1 / 3)
    rng = np.random.default_rng(1)
    attack = rng.random(20000) < 0.5
    odds = np.where(attack, -1.0, 1.0) + rng.normal(0, 1, 20000)  # true log-odds: twice the value
    scale, shift = calibrate(odds, attack, np.ones(20000))
    assert scale == pytest.approx(2.0, abs=0.1)
    assert shift == pytest.approx(0.0, abs=0.1)


def test_the_exported_graph_answers_as_the_network_does() -> None:
    torch = pytest.importorskip("torch", reason="training needs PyTorch")
    pytest.importorskip("onnx", reason="needs the dependency group 'recipes'")
    from models.recipes.liveness.export import difference, to_onnx
    from models.recipes.liveness.network import Network

    torch.manual_seed(0)
    network = Network().eval()
    data = to_onnx(network, 1.5, -0.25)
    assert difference(network, data, 1.5, -0.25) < 1e-3
    assert to_onnx(network, 1.5, -0.25) == data
