"""Measures that need no curve, against brute force and by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from senseid_engine.calibration.verification import (
    det_points,
    equal_error_rate,
    fold_accuracy,
    point_at_fmr,
)

Floats = npt.NDArray[np.float32]
RNG = np.random.default_rng(5)
GENUINE = np.sort(RNG.normal(2, 1, 500)).astype(np.float32)
IMPOSTOR = np.sort(RNG.normal(0, 1, 20_000)).astype(np.float32)


def floats(*values: float) -> Floats:
    return np.array(values, np.float32)


@pytest.mark.parametrize("fmr", [0.5, 0.1, 1e-2, 1e-3, 1e-4, 0.0])
def test_the_threshold_keeps_the_false_match_rate_and_no_lower_one_does(fmr: float) -> None:
    point = point_at_fmr(GENUINE, IMPOSTOR, fmr)
    assert point.fmr == np.mean(np.float32(point.z) <= IMPOSTOR) <= fmr
    assert point.fnmr == np.mean(np.float32(point.z) > GENUINE)
    assert np.mean(np.nextafter(np.float32(point.z), np.float32(-np.inf)) <= IMPOSTOR) > fmr


def test_a_tie_cannot_be_split() -> None:
    point = point_at_fmr(floats(1, 2), floats(0, 1, 1, 1), 0.5)
    assert (point.fmr, point.fnmr) == (0.0, 0.5)


def test_the_det_curve_falls_from_everybody_to_nobody() -> None:
    points = det_points(GENUINE, IMPOSTOR)
    fmr, fnmr = np.array([(point.fmr, point.fnmr) for point in points]).T
    assert (fmr[0], fnmr[0]) == (1.0, np.mean(IMPOSTOR[0] > GENUINE))
    assert fmr[-1] == 0
    assert (np.diff(fmr) < 0).all()
    assert (np.diff(fnmr) >= 0).all()
    assert 60 < len(points) < 200


def test_the_equal_error_rate_of_two_normals() -> None:
    rng = np.random.default_rng(1)
    genuine = np.sort(rng.normal(2, 1, 200_000)).astype(np.float32)
    impostor = np.sort(rng.normal(0, 1, 200_000)).astype(np.float32)
    assert equal_error_rate(genuine, impostor) == pytest.approx(0.158655, abs=0.002)


@pytest.mark.parametrize(
    ("genuine", "impostor", "rate"),
    [
        (floats(5, 6), floats(0, 1), 0.0),
        (floats(0, 1), floats(5, 6), 1.0),
        # At 2.5 one of four is missed and one of four let in.
        (floats(2, 3, 4, 5), floats(0, 1, 1.5, 2.7), 0.25),
        # All alike: accept all or nobody.
        (floats(1, 1), floats(1, 1), 1.0),
        # Above 1: half are missed, none let in; at 1: none is missed, half are let in.
        (floats(1, 5), floats(0, 1), 0.5),
        (floats(-np.inf, 5), floats(0, 1), 0.5),
    ],
)
def test_the_equal_error_rate_by_hand(genuine: Floats, impostor: Floats, rate: float) -> None:
    assert equal_error_rate(genuine, impostor) == pytest.approx(rate)


def test_folds_are_judged_by_the_threshold_of_the_others() -> None:
    # Fold 0 alone would choose 0.5, fold 1 alone 3.5.
    z = floats(1, 0, 4, 3)
    same = np.array([True, False, True, False])
    fold = np.array([0, 0, 1, 1], np.int32)
    accuracy = fold_accuracy(z, same, fold)
    assert (accuracy.mean, accuracy.folds) == (0.5, 2)
    assert accuracy.standard_error == 0.0


def test_accuracy_is_that_of_an_exhaustive_search() -> None:
    rng = np.random.default_rng(3)
    same = rng.random(600) < 0.5
    z = np.round(rng.normal(same * 2.0, 1), 1).astype(np.float32)
    fold = (np.arange(600) // 60).astype(np.int32)
    values = np.unique(z).astype(np.float64)
    candidates = [*((values[1:] + values[:-1]) / 2), -9.0, 9.0]
    result = []
    for one in range(10):
        train = fold != one
        right = [np.mean((z[train] >= t) == same[train]) for t in candidates]
        best = max(t for t, r in zip(candidates, right, strict=True) if r == max(right))
        result.append(np.mean((z[~train] >= best) == same[~train]))
    accuracy = fold_accuracy(z, same, fold)
    assert accuracy.mean == pytest.approx(np.mean(result))
    assert accuracy.standard_error == pytest.approx(np.std(result, ddof=1) / np.sqrt(10))


def test_a_photo_without_a_face_is_never_a_match() -> None:
    nothing = -np.inf
    same = np.array([True, True, True, False] * 2)
    fold = np.repeat(np.array([0, 1], np.int32), 4)
    accuracy = fold_accuracy(floats(nothing, nothing, nothing, nothing, *[nothing] * 4), same, fold)
    assert accuracy.mean == 0.25
    # Accepting all that have a face is best here.
    accuracy = fold_accuracy(floats(1, 2, nothing, nothing, 1, 2, nothing, nothing), same, fold)
    assert accuracy.mean == 0.75


def test_accepting_everybody_can_be_best() -> None:
    same = np.array([True, True, True, False] * 2)
    fold = np.repeat(np.array([0, 1], np.int32), 4)
    assert fold_accuracy(floats(1, 2, 3, 2.5, 1, 2, 3, 2.5), same, fold).mean == 0.75
