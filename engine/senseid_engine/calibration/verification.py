"""Measures of verification that need no curve: FNMR at a given FMR, equal error rate, DET points, LFW's accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
DET_POINTS_A_DECADE = 32


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a DET or ROC curve.

    Attributes:
        z: the threshold: a similarity, decisions are `>=`.
        fmr: share of pairs of different people at or above it.
        fnmr: share of pairs of the same person below it.
    """

    z: float
    fmr: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy over folds.

    Attributes:
        mean: mean of the folds, in [0, 1].
        standard_error: sample standard deviation of the folds, divided by the root of their number.
        folds: how many there are.
    """

    mean: float
    standard_error: float
    folds: int


def point_at_fmr(genuine: Floats, impostor: Floats, fmr: float) -> Point:
    """The lowest threshold whose false-match rate is at most `fmr`, and its cost.

    Args:
        genuine: ascending similarities of the same person.
        impostor: ascending similarities of different people.
        fmr: in [0, 1).
    """
    allowed = int(fmr * len(impostor) * (1 + 1e-12))  # 0.001 of 29,000 is 29, regardless of rounding
    z = np.nextafter(impostor[len(impostor) - 1 - allowed], np.float32(np.inf))
    return _point(genuine, impostor, z)


def det_points(genuine: Floats, impostor: Floats) -> list[Point]:
    """The DET curve, by falling FMR, evenly on its log scale.

    It runs from the lowest threshold to the first that no stranger reaches.

    Args:
        genuine: ascending similarities of the same person.
        impostor: ascending similarities of different people.
    """
    steps = int(np.ceil(np.log10(len(impostor)) * DET_POINTS_A_DECADE))
    shares = 10.0 ** (-np.arange(1, steps + 1) / DET_POINTS_A_DECADE)
    points = [_point(genuine, impostor, impostor[0])]
    for share in [*shares.tolist(), 0.0]:
        point = point_at_fmr(genuine, impostor, share)
        if point.fmr < points[-1].fmr:
            points.append(point)
    return points


def equal_error_rate(genuine: Floats, impostor: Floats) -> float:
    """The rate at which false matches and false non-matches are equally frequent.

    Where no threshold makes them equal, it is the mean of the two at the first similarity of the same person at which
    false matches stop being more frequent.

    Args:
        genuine: ascending similarities of the same person.
        impostor: ascending similarities of different people.
    """
    fnmr = np.searchsorted(genuine, genuine, side="left") / len(genuine)
    fmr = (len(impostor) - np.searchsorted(impostor, genuine, side="left")) / len(impostor)
    index = int(np.argmax(np.append(fmr <= fnmr, True)))
    fnmr, fmr = np.append(fnmr, 1.0), np.append(fmr, 0.0)
    # Between two similarities of the same person only false matches change.
    before = float(fmr[index - 1]) if index else 1.0
    reached = float(np.clip(fnmr[index], fmr[index], before))
    return (reached + float(fnmr[index])) / 2


def fold_accuracy(z: Floats, same: npt.NDArray[np.bool_], fold: npt.NDArray[np.int32]) -> Accuracy:
    """The protocol of LFW: each fold is judged with the threshold that is best for all others.

    G. Huang et al., "Labeled Faces in the Wild", 2007. The threshold lies half-way between two similarities; of equally
    good ones the highest counts. A similarity of -inf is never a match.

    Args:
        z: float32 (pairs,), similarities; -inf where a photo could not be compared.
        same: bool (pairs,), whether they show the same person.
        fold: int32 (pairs,), the fold of each pair; at least two different ones.
    """
    folds = np.unique(fold)
    results = []
    for one in folds:
        tested = fold == one
        threshold = _best_threshold(z[~tested], same[~tested])
        results.append(float(np.mean((z[tested] >= threshold) == same[tested])))
    error = float(np.std(results, ddof=1)) / len(results) ** 0.5
    return Accuracy(float(np.mean(results)), error, len(results))


def _best_threshold(z: Floats, same: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(-z, kind="stable")
    ordered, alike = z[order].astype(np.float64), same[order]
    # Accepting the first k: right are the same among them and the different among the rest.
    gain = np.concatenate([[0], np.cumsum(np.where(alike, 1, -1))])
    possible = np.concatenate([[True], ordered[1:] < ordered[:-1], [True]])
    possible[1:] &= ordered > -np.inf
    best = int(np.argmax(np.where(possible, gain, gain.min() - 1)))
    if best == 0:
        return float(np.inf)
    if best == len(ordered) or ordered[best] == -np.inf:
        return float(ordered[best - 1])
    return float((ordered[best - 1] + ordered[best]) / 2)


def _point(genuine: Floats, impostor: Floats, z: np.float32) -> Point:
    return Point(
        z=float(z),
        fmr=(len(impostor) - int(np.searchsorted(impostor, z, side="left"))) / len(impostor),
        fnmr=int(np.searchsorted(genuine, z, side="left")) / len(genuine),
    )
