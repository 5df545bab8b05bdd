"""Calibration: from the similarities of a labelled set to a score curve with all measurements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from senseid_engine.calibration.fit import LEAST_PAIRS, fit_curve
from senseid_engine.calibration.holdout import held_out_rates
from senseid_engine.calibration.pairs import Gathered, ListedPairs, PairScores, gather
from senseid_engine.calibration.provenance import ModelFile, Provenance, RateRow
from senseid_engine.calibration.rates import Sharing, false_match_rate, false_non_match_rate
from senseid_engine.calibration.verification import (
    Accuracy,
    Point,
    det_points,
    equal_error_rate,
    fold_accuracy,
    point_at_fmr,
)
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from senseid_engine.calibration.encode import Unusable
    from senseid_engine.calibration.labelled import LabelledPairs, LabelledSet
    from senseid_engine.calibration.pairs import Bools, Floats, Ints

    Ints64 = npt.NDArray[np.int64]

SCORES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """The settings of a run.

    Attributes:
        set_name: the name of the set in the curve.
        made: the day, `YYYY-MM-DD` (UTC).
        seed: of everything random, at least 0.
        model: the model whose embeddings are compared.
        exponent: as in `Provenance`.
        note: free text for the curve's file.
    """

    set_name: str
    made: str
    seed: int
    model: ModelFile
    note: str | None = None
    exponent: float = 1.0


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """A curve and its measurements.

    Attributes:
        curve: the score curve; its provenance holds the rates at 0.4 .. 0.9.
        at_fmr: the threshold for each false-match rate of 1e-2 .. 1e-6 that the set can measure, and its cost.
        equal_error_rate: in [0, 1].
        accuracy: by folds, if the set has any.
        det: the DET curve, by falling FMR.
        unusable: photos that gave no template.
    """

    curve: ScoreCurve
    at_fmr: tuple[tuple[float, Point], ...]
    equal_error_rate: float
    accuracy: Accuracy | None
    det: tuple[Point, ...]
    unusable: tuple[Unusable, ...]


def calibrate(
    labelled: LabelledSet,
    encoded: Sequence[int],
    unusable: Sequence[Unusable],
    similarities: Iterable[npt.NDArray[Any]],
    settings: CalibrationSettings,
    *,
    folds: LabelledPairs | None = None,
) -> CalibrationResult:
    """Fit a score curve to a labelled set and measure it.

    A pair of the same person with a photo that could not be compared counts as a non-match; such a pair of different
    people is left out. Both make the rates worse, never better.

    Args:
        labelled: the set.
        encoded: the numbers of its photos that were compared.
        unusable: its other photos.
        similarities: of the photos of `encoded`, in their order, as `bands` makes them.
        settings: the facts for the curve's file, and the seed.
        folds: pairs of the set in folds, for an accuracy besides.

    Raises:
        CalibrationError: the set has too few usable pairs, or its similarities make no curve.
    """
    if folds is not None and labelled.pairs is not None:
        raise ValueError("folds belong to a folder of people")
    numbers = np.asarray(encoded, np.int64)
    people = np.array([photo.person for photo in labelled.photos], np.int32)
    chosen = labelled.pairs or folds
    listed, usable = _rows_of(chosen, numbers, len(people))
    gathered = gather(people[numbers], similarities, listed)
    of_chosen = np.full(len(usable), -np.inf, np.float32)
    of_chosen[usable] = gathered.listed
    genuine, impostor = _all_pairs(gathered, people, numbers)
    if labelled.pairs is not None:
        genuine, impostor = _only(labelled.pairs, of_chosen, usable, people)
    if not len(genuine):
        raise CalibrationError(labelled.name, "has no two photos of the same person: add photos")
    fit = fit_curve(labelled.name, impostor.z).scaled(settings.exponent)
    provenance = Provenance(
        set_name=settings.set_name,
        made=settings.made,
        photos=len(numbers),
        photos_without_face=sum(photo.no_face for photo in unusable),
        photos_refused=sum(not photo.no_face for photo in unusable),
        people=len(np.unique(people[numbers])),
        genuine_pairs=len(genuine),
        impostor_pairs=len(impostor),
        seed=settings.seed,
        model=settings.model,
        rates=(),
        note=settings.note,
        exponent=settings.exponent,
    )
    curve = ScoreCurve(fit.knots, fit.tail_slope, 1.0, provenance)
    held_out = held_out_rates(labelled.name, impostor, SCORES, np.random.default_rng(settings.seed), provenance)
    strangers, selves = Sharing.of(impostor), Sharing.of(genuine)
    rates = tuple(
        RateRow(score, false_match_rate(strangers, z), false_non_match_rate(selves, z), other)
        for score, z, other in zip(SCORES, map(curve.similarity_at, SCORES), held_out, strict=True)
    )
    curve = replace(curve, measured_to=curve.score(fit.knots[-1][0]), provenance=replace(provenance, rates=rates))
    del strangers, selves
    alike, different = np.sort(genuine.z), np.sort(impostor.z)
    told = [fmr for fmr in FMRS if fmr * len(different) >= LEAST_PAIRS]
    return CalibrationResult(
        curve=curve,
        at_fmr=tuple((fmr, point_at_fmr(alike, different, fmr)) for fmr in told),
        equal_error_rate=equal_error_rate(alike, different),
        accuracy=fold_accuracy(of_chosen, folds.same, folds.fold) if folds is not None else None,
        det=tuple(det_points(alike, different)),
        unusable=tuple(unusable),
    )


def _rows_of(pairs: LabelledPairs | None, numbers: Ints64, photos: int) -> tuple[ListedPairs, Bools]:
    """The pairs whose photos were both compared, in rows of the matrix; and which of all pairs these are."""
    if pairs is None:
        nothing = np.zeros(0, np.int32)
        return ListedPairs(nothing, nothing), np.zeros(0, np.bool_)
    row_of = np.full(photos, -1, np.int32)
    row_of[numbers] = np.arange(len(numbers), dtype=np.int32)
    first, second = row_of[pairs.numbers.first], row_of[pairs.numbers.second]
    usable = (first >= 0) & (second >= 0)
    return ListedPairs(first[usable], second[usable]), usable


def _all_pairs(gathered: Gathered, people: Ints, numbers: Ints64) -> tuple[PairScores, PairScores]:
    photos = np.bincount(people).astype(np.int64)
    compared = np.bincount(people[numbers], minlength=len(photos)).astype(np.int64)
    failed = photos * (photos - 1) // 2 - compared * (compared - 1) // 2
    lost = np.repeat(np.arange(len(photos), dtype=np.int32), failed)
    return gathered.genuine.with_failures(lost), gathered.impostor


def _only(pairs: LabelledPairs, z: Floats, usable: Bools, people: Ints) -> tuple[PairScores, PairScores]:
    scores = PairScores(z, people[pairs.numbers.first], people[pairs.numbers.second])
    return scores.only(pairs.same), scores.only(~pairs.same & usable)
