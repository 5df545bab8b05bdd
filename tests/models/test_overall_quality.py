"""How the overall quality is learned, on photos made up."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the dependency group 'recipes'")
pytest.importorskip("tflite", reason="needs the dependency group 'recipes'")

from models.recipes.overall_quality import Photos, dump, genuine_pairs, learn
from senseid_engine.quality.overall import OverallQuality
from tests.bench.quality_discard import DISCARDS, discard_curve, rate_at

NAMES = ("presence", "yaw", "brightness")


@pytest.fixture(scope="module")
def photos() -> Photos:
    """400 people with three photos each, whose likeness falls with yaw and rises with presence."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(400, dtype=np.int32), 3)
    values = np.column_stack(
        [rng.uniform(5, 36, len(people)), rng.uniform(0, 50, len(people)), rng.uniform(-0.5, 0.5, len(people))]
    )
    worth = 0.1 * values[:, 0] - 0.05 * values[:, 1]
    z = 20 + rng.normal(0, 1, (len(people), len(people)))
    same = people[:, None] == people[None, :]
    z = np.where(same, 22.5 + worth[:, None] + worth[None, :] + rng.normal(0, 0.5, z.shape), z)
    z = np.triu(z, 1)
    return Photos(people, (z + z.T).astype(np.float32), values, NAMES)


def test_pairs_are_those_of_one_person() -> None:
    people = np.array([3, 1, 3, 2, 3, 1])
    pairs = {tuple(sorted(map(int, pair))) for pair in genuine_pairs(people, np.arange(6))}
    assert pairs == {(0, 2), (0, 4), (2, 4), (1, 5)}
    assert {tuple(sorted(map(int, pair))) for pair in genuine_pairs(people, np.array([0, 1, 2]))} == {(0, 2)}


def test_what_is_true_is_learned(photos: Photos) -> None:
    learned = learn(photos, np.arange(len(photos.people)))
    by_name = dict(zip(NAMES, zip(learned.at, learned.value, strict=True), strict=True))
    assert np.interp(30, *by_name["presence"]) - np.interp(10, *by_name["presence"]) == pytest.approx(2, abs=0.4)
    assert np.interp(40, *by_name["yaw"]) - np.interp(10, *by_name["yaw"]) == pytest.approx(-1.5, abs=0.4)
    assert np.ptp(by_name["brightness"][1]) < 0.4


def test_a_curve_never_goes_against_what_is_known(photos: Photos) -> None:
    against = Photos(photos.people, photos.z, photos.values[:, [1, 0, 2]], NAMES)  # what rises is called yaw
    learned = learn(against, np.arange(len(photos.people)))
    for sign, value in ((1, learned.value[0]), (-1, learned.value[1])):
        assert (sign * np.diff(value) >= -1e-9).all()


def test_without_the_worst_photos_fewer_are_missed(photos: Photos) -> None:
    curve = discard_curve(photos, lambda taught: learn(photos, taught).terms(photos.values), 1)
    rates = [own.fnmr for own, _ in curve]
    assert len(rates) == len(DISCARDS)
    assert rates[0] > 0.05
    assert rates[3] < 0.8 * rates[0]
    assert rates[-1] < rates[3]


def test_a_rate_counts_what_is_below_the_threshold(photos: Photos) -> None:
    rate, threshold = rate_at(photos, np.arange(len(photos.people)))
    pairs = genuine_pairs(photos.people, np.arange(len(photos.people)))
    z = photos.z[pairs[:, 0], pairs[:, 1]]
    assert rate.pairs == len(pairs)
    assert rate.missed == (z < threshold).sum()
    others = photos.z[np.triu_indices(len(photos.people), 1)]
    assert rate_at(photos, np.arange(len(photos.people)), others.max() + 100)[0].fnmr == 1


def test_the_file_says_what_was_learned(photos: Photos) -> None:
    learned = learn(photos, np.arange(len(photos.people)))
    terms = learned.terms(photos.values)
    quality = OverallQuality.parse(dump(NAMES, learned, terms))
    scores = [
        quality.of(dict(zip(NAMES, row, strict=True)), visible=1, sharpness=1, eye_distance=99) for row in photos.values
    ]
    shares = np.argsort(np.argsort(terms)) / (len(terms) - 1)
    assert np.abs(np.array(scores) - shares).max() < 0.03
