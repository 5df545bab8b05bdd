"""The curve that promises for the hard case, and what was measured with it."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.recognition.groups import FITTED, JUDGED, pairs_of
from models.recipes.recognition.people import LFW, corrected, numbered
from senseid_engine.calibration.encode import Unusable
from senseid_engine.calibration.fit import LEAST_PAIRS, fit_curve
from senseid_engine.calibration.holdout import halved, spreads
from senseid_engine.calibration.labelled import LabelledSet, Photo, read_lfw_pairs
from senseid_engine.calibration.pairs import bands
from senseid_engine.calibration.provenance import Group, GroupRow, HeldOut, ModelFile
from senseid_engine.calibration.run import CalibrationSettings, calibrate
from senseid_engine.curve import ScoreCurve
from senseid_engine.template import Template, similarities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from models.recipes.recognition.encode import Encoded
    from models.recipes.recognition.people import LabelledPhoto
    from senseid_engine.calibration.fit import Fit
    from senseid_engine.calibration.labelled import LabelledPairs
    from senseid_engine.calibration.pairs import PairScores
    from senseid_engine.calibration.run import CalibrationResult

    Floats = npt.NDArray[np.float32]

SEED = 0
HALVINGS = 10
GROUP_SCORES = (0.6, 0.7)
LEVELS = (1.5, 5.0)
"""The levels on LFW, -log10 of the false-match rate, between which the exponent is fitted: below, everybody is alike;
above, the smaller groups have no pairs left to count."""
ANYBODY = "LFW, anybody"


def exponent_of(lfw: Fit, groups: Mapping[str, Floats]) -> float:
    """To which power of the rate of LFW's strangers those who are alike reach a similarity.

    The mean over the groups of the rate at which strangers within them reach the similarities of the curve's knots, by
    least squares of its logarithm through the origin: with everybody accepted, all rates are 1.

    Args:
        lfw: the curve of LFW's strangers.
        groups: ascending similarities of strangers within each group; those of anybody, and of groups that are only
            judged, are left out.
    """
    alike = [groups[name] for name in FITTED if name != ANYBODY]
    levels, hard = [], []
    for z, level in lfw.knots:
        over = [len(group) - int(np.searchsorted(group, z, side="left")) for group in alike]
        if LEVELS[0] <= level <= LEVELS[1] and sum(over) >= LEAST_PAIRS:
            rate = float(np.mean([count / len(group) for count, group in zip(over, alike, strict=True)]))
            levels.append(level)
            hard.append(-np.log10(rate))
    x, y = np.array(levels), np.array(hard)
    return round(float(x @ y / (x @ x)), 4)


def fit_and_measure(encoded: Encoded, data: Path, model: ModelFile, *, correct: bool = True) -> CalibrationResult:
    """Fit the curve and measure it: on LFW, and within every group.

    Args:
        encoded: the embeddings.
        data: the folder with the archives of the labelled sets.
        model: what made them.
        correct: whether LFW's labels are corrected.
    """
    photos = corrected(encoded.photos) if correct else list(encoded.photos)
    right = corrected(encoded.photos)
    people = int(numbered(right).max()) + 1
    groups = {name: pairs_of(encoded, right, name) for name in FITTED | JUDGED}
    sorted_groups = {name: np.sort(pairs.z) for name, pairs in groups.items()}
    lfw = fit_curve("LFW", sorted_groups[ANYBODY])
    exponent = exponent_of(lfw, sorted_groups)
    settings = CalibrationSettings(
        set_name="LFW",
        made=datetime.now(UTC).date().isoformat(),
        seed=SEED,
        model=model,
        note="The images of LFW's 6,000 pairs, labels corrected; the exponent is that of strangers who are alike.",
        exponent=exponent,
    )
    result = _on_lfw(encoded, photos, data, settings)
    curve = result.curve
    held_out = measure_held_out(groups, people, curve)
    rows = tuple(
        Group(
            name=name,
            fitted=name in FITTED,
            people=len(np.unique(np.concatenate([pairs.first, pairs.second]))),
            pairs=len(pairs.z),
            rows=tuple(
                GroupRow(score, int(np.count_nonzero(pairs.z >= curve.similarity_at(score))), held_out[name][i])
                for i, score in enumerate(GROUP_SCORES)
            ),
        )
        for name, pairs in groups.items()
    )
    return replace(result, curve=replace(curve, provenance=replace(curve.provenance, groups=rows)))


def _on_lfw(
    encoded: Encoded, photos: Sequence[LabelledPhoto], data: Path, settings: CalibrationSettings
) -> CalibrationResult:
    """The curve fitted to LFW and measured on it, with the accuracy over its folds."""
    rows = [row for row, photo in enumerate(photos) if photo.set == LFW and not encoded.covering[row]]
    lost = [name for name in encoded.without_face if PurePosixPath(name).parts[0] == LFW]
    names = [photos[row].name for row in rows] + lost
    persons = [photos[row].person for row in rows] + [PurePosixPath(name).parent.name for name in lost]
    person = np.unique(persons, return_inverse=True)[1].tolist()
    labelled = LabelledSet(
        "LFW",
        tuple(Photo("/".join(name.split("/")[1:]), Path(name), who) for name, who in zip(names, person, strict=True)),
        None,
    )
    unusable = [Unusable(len(rows) + i, name, no_face=True, problem="no face") for i, name in enumerate(lost)]
    matrix = bands([Template(encoded.embeddings[row]) for row in rows], similarities)
    return calibrate(labelled, range(len(rows)), unusable, matrix, settings, folds=_folds(data, labelled))


def _folds(data: Path, labelled: LabelledSet) -> LabelledPairs:
    """LFW's pairs in folds; the labels decide which of them show one person."""
    with tarfile.open(data / "lfw-pairs.tar") as tar, tempfile.TemporaryDirectory() as folder:
        tar.extract("lfw/pairs.txt", folder, filter="data")
        pairs = read_lfw_pairs(Path(folder) / "lfw/pairs.txt", labelled)
    person = np.array([photo.person for photo in labelled.photos])
    return replace(pairs, same=person[pairs.numbers.first] == person[pairs.numbers.second])


def measure_held_out(groups: Mapping[str, PairScores], people: int, shipped: ScoreCurve) -> dict[str, list[HeldOut]]:
    """Rates at `GROUP_SCORES` of people whom neither curve nor exponent was fitted on; those of `utk` never are.

    The people are halved at random; both are fitted to the pairs within one half and measured on those within the
    other; this is repeated.
    """
    rng = np.random.default_rng(SEED)
    rates: dict[str, list[list[float]]] = {name: [] for name in groups}
    for fitted, left_out in halved(people, rng, HALVINGS):
        inside = {name: np.sort(groups[name].within(fitted)) for name in FITTED}
        fit = fit_curve("LFW", inside[ANYBODY])
        fit = fit.scaled(exponent_of(fit, inside))
        curve = ScoreCurve(fit.knots, fit.tail_slope, 1.0, shipped.provenance)
        limits = [curve.similarity_at(score) for score in GROUP_SCORES]
        for name, pairs in groups.items():
            z = pairs.within(left_out)
            rates[name].append([float(np.mean(z >= limit)) for limit in limits])
    return {name: spreads(rows) for name, rows in rates.items()}
