"""A whole calibration on made-up people: what counts as a pair, and what the result tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from senseid_engine.calibration.encode import Unusable
from senseid_engine.calibration.labelled import LabelledPairs, LabelledSet, Photo
from senseid_engine.calibration.pairs import ListedPairs
from senseid_engine.calibration.provenance import HeldOut, ModelFile
from senseid_engine.calibration.run import CalibrationResult, CalibrationSettings, calibrate
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError
from tests.engine.calibration.matrices import banded

SETTINGS = CalibrationSettings("made up", "2026-11-24", 3, ModelFile("model", "a" * 64), "a note")


def people_of(people: int, photos: int) -> LabelledSet:
    return LabelledSet(
        "made up",
        tuple(Photo(f"{p}/{k}.jpg", Path(f"{p}/{k}.jpg"), p) for p in range(people) for k in range(photos)),
        None,
    )


def matrix_of(labelled: LabelledSet, seed: int = 0) -> npt.NDArray[np.float32]:
    person = np.array([photo.person for photo in labelled.photos])
    noise = np.triu(np.random.default_rng(seed).normal(size=(len(person), len(person))), 1)
    return (noise + noise.T + 4.0 * (person[:, None] == person[None, :])).astype(np.float32)


def without(labelled: LabelledSet, lost: list[int]) -> tuple[list[int], list[Unusable]]:
    encoded = [number for number in range(len(labelled.photos)) if number not in lost]
    return encoded, [Unusable(n, labelled.photos[n].name, n % 2 == 0, "dark") for n in lost]


def run(labelled: LabelledSet, lost: list[int], folds: LabelledPairs | None = None) -> CalibrationResult:
    encoded, unusable = without(labelled, lost)
    matrix = matrix_of(labelled)[np.ix_(encoded, encoded)]
    return calibrate(labelled, encoded, unusable, banded(matrix, 17), SETTINGS, folds=folds)


def test_all_pairs_of_a_folder() -> None:
    labelled = people_of(60, 3)
    result = run(labelled, [])
    told = result.curve.provenance
    assert (told.photos, told.people, told.photos_without_face, told.photos_refused) == (180, 60, 0, 0)
    assert (told.genuine_pairs, told.impostor_pairs) == (180, 180 * 179 // 2 - 180)
    assert (told.set_name, told.made, told.seed, told.note) == ("made up", "2026-11-24", 3, "a note")
    matrix = matrix_of(labelled)
    person = np.array([photo.person for photo in labelled.photos])
    upper = np.triu(np.ones_like(matrix, bool), 1)
    genuine, impostor = matrix[upper & (person[:, None] == person)], matrix[upper & (person[:, None] != person)]
    assert [row.score for row in told.rates] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    for row in told.rates:
        z = result.curve.similarity_at(row.score)
        assert row.fmr.value == np.mean(impostor >= np.float32(z))
        assert row.fnmr.value == np.mean(genuine < np.float32(z))
        assert row.held_out is not None
    assert told.rates[0].fmr.value == pytest.approx(0.1, rel=0.01)
    assert told.rates[1].fmr.value == pytest.approx(0.01, rel=0.05)
    # 15,930 pairs tell a rate of 10 / 15,930 at best.
    assert result.curve.measured_to == pytest.approx(0.3 + 0.1 * np.log10(1593), abs=0.013)
    assert result.curve.measured_to == result.curve.score(result.curve.knots[-1][0])
    assert [fmr for fmr, _ in result.at_fmr] == [1e-2, 1e-3]
    assert result.equal_error_rate == pytest.approx(0.0228, abs=0.015)
    assert result.accuracy is None
    assert result.det[0].fmr == 1.0
    assert result.unusable == ()
    assert ScoreCurve.parse(result.curve.dump()) == result.curve


def test_a_lost_photo_is_a_miss_and_never_a_stranger() -> None:
    labelled = people_of(60, 3)
    # One photo of person 0, all of person 1.
    result = run(labelled, [1, 3, 4, 5])
    told = result.curve.provenance
    assert (told.photos, told.people, told.photos_without_face, told.photos_refused) == (176, 59, 1, 3)
    assert told.genuine_pairs == 180
    assert told.impostor_pairs == 176 * 175 // 2 - 58 * 3 - 1
    low = told.rates[0]
    assert result.curve.similarity_at(0.4) < 2
    assert low.fnmr.events >= 2 + 3
    assert [photo.number for photo in result.unusable] == [1, 3, 4, 5]


def chosen(labelled: LabelledSet, count: int) -> LabelledPairs:
    rng = np.random.default_rng(8)
    first, second = (rng.integers(0, len(labelled.photos), count) for _ in range(2))
    second = np.where(first == second, (second + 1) % len(labelled.photos), second)
    person = np.array([photo.person for photo in labelled.photos])
    fold = np.arange(count) % 5
    return LabelledPairs(
        ListedPairs(first.astype(np.int32), second.astype(np.int32)),
        person[first] == person[second],
        fold.astype(np.int32),
    )


def test_a_set_of_pairs_counts_these_pairs_only() -> None:
    labelled = people_of(40, 4)
    pairs = chosen(labelled, 3000)
    lost = [0, 7, 8]
    result = run(LabelledSet("pairs", labelled.photos, pairs), lost)
    told = result.curve.provenance
    gone = np.isin(pairs.numbers.first, lost) | np.isin(pairs.numbers.second, lost)
    assert told.genuine_pairs == pairs.same.sum()
    assert told.impostor_pairs == (~pairs.same & ~gone).sum()
    matrix = matrix_of(labelled)
    z = np.float32(result.curve.similarity_at(0.4))
    reached = (matrix[pairs.numbers.first, pairs.numbers.second] >= z) & ~gone
    assert told.rates[0].fnmr.events == (pairs.same & ~reached).sum()
    assert told.rates[0].fmr.events == (~pairs.same & reached).sum()
    assert result.accuracy is None


def test_folds_give_an_accuracy_and_change_nothing_else() -> None:
    labelled = people_of(60, 3)
    folds = chosen(labelled, 500)
    with_folds, plain = run(labelled, [2], folds), run(labelled, [2])
    assert with_folds.curve == plain.curve
    assert with_folds.accuracy is not None
    assert with_folds.accuracy.folds == 5
    assert 0.95 < with_folds.accuracy.mean < 1
    with pytest.raises(ValueError, match="folds belong to a folder"):
        run(LabelledSet("pairs", labelled.photos, folds), [], folds)


def test_an_exponent_makes_every_score_promise_less() -> None:
    labelled = people_of(60, 3)
    matrix = matrix_of(labelled)
    photos = range(len(labelled.photos))
    plain, alike = (
        calibrate(labelled, photos, [], banded(matrix), settings).curve
        for settings in (SETTINGS, replace(SETTINGS, exponent=0.8))
    )
    assert (plain.provenance.exponent, alike.provenance.exponent) == (1.0, 0.8)
    assert [z for z, _ in alike.knots] == [z for z, _ in plain.knots]
    assert [level for _, level in alike.knots] == pytest.approx([0.8 * level for _, level in plain.knots], abs=1e-6)
    assert alike.tail_slope == pytest.approx(0.8 * plain.tail_slope, abs=1e-6)
    assert alike.measured_to < plain.measured_to
    # What was measured at a score was measured at the threshold of this curve.
    row = alike.provenance.rates[0]
    assert row.fmr.value == pytest.approx((10**-1) ** (1 / 0.8), rel=0.05)
    assert ScoreCurve.parse(alike.dump()) == alike


def test_halves_are_drawn_by_the_seed() -> None:
    labelled = people_of(60, 3)
    photos = range(len(labelled.photos))

    def held_out(seed: int) -> list[HeldOut | None]:
        settings = replace(SETTINGS, seed=seed)
        result = calibrate(labelled, photos, [], banded(matrix_of(labelled)), settings)
        return [row.held_out for row in result.curve.provenance.rates]

    assert held_out(3) == held_out(3) != held_out(4)


def test_a_set_without_two_photos_of_anybody() -> None:
    with pytest.raises(CalibrationError, match="no two photos of the same person"):
        run(people_of(60, 1), [])


def test_a_set_that_is_too_small() -> None:
    with pytest.raises(CalibrationError, match="has 760 usable pairs of different people"):
        run(people_of(20, 2), [])


def test_a_set_without_a_face() -> None:
    labelled = people_of(30, 2)
    with pytest.raises(CalibrationError, match="has 0 usable pairs"):
        run(labelled, list(range(60)))
