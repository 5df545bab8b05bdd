"""`python -m models.recipes.overall_quality DATA [--embeddings FILE] [--measures FILE]`: learn the overall quality.

From pairs of photos of the same person: their similarity is taken for the sum of one term a photo, each term
for the sum of one piecewise linear curve a measure, by least squares with curves that are kept smooth. The score is
then the share of the photos whose term is lower.

What is shipped is learned from all people of LFW; `python -m tests.bench.quality_discard` tells whether it predicts
failure on people it was not learned from. The embeddings and measures are kept only where the options say so.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tomli_w

from models.recipes.build import put
from models.recipes.recognition.encode import face_of, load_or_encode, open_engine
from models.recipes.recognition.people import LFW, corrected, numbered, read_photos
from senseid_engine.image import decode_image
from senseid_engine.quality.balanced import balanced
from senseid_engine.quality.chip import cut
from senseid_engine.quality.features import five_features
from senseid_engine.quality.overall import FORMAT, overall_measures
from senseid_engine.quality.pose import PoseEstimator
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.engine import Engine

# Where the curves have values: quantiles of the photos. One that may only rise is level from where most photos are, one
# that may only fall up to there.
QUANTILES = {
    1: (0.005, 0.03, 0.2, 0.5, 0.8),
    -1: (0.2, 0.5, 0.8, 0.97, 0.995),
    0: (0.005, 0.03, 0.34, 0.66, 0.97, 0.995),
}
SMOOTHNESS = 30.0
SHRINKAGE = 3.0
PENALTY_PAIRS = 4000
SWEEPS = 400
# Prior knowledge: with these the quality only rises (1), or only falls (-1).
RISES = {
    "presence": 1,
    "detection": 1,
    "yaw": -1,
    "pitch": -1,
    "mouth_open": 1,
}
WORST = {
    "presence": 0.0,
    "yaw": 90.0,
    "pitch": 90.0,
    "mouth_open": 0.0,
}


@dataclass(frozen=True, slots=True)
class Photos:
    """Photos of known people, compared and measured.

    Attributes:
        people: int32 (n,), the person of each.
        z: float32 (n, n), their similarities.
        values: float64 (n, measures).
        names: of the measures.
    """

    people: np.ndarray
    z: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """A curve a measure.

    Attributes:
        at: by measure, where its curve has a value.
        value: by measure, these values.
    """

    at: tuple[np.ndarray, ...]
    value: tuple[np.ndarray, ...]

    def terms(self, values: np.ndarray) -> np.ndarray:
        """The sum of the curves for each photo: float64 (n,)."""
        curves = zip(values.T, self.at, self.value, strict=True)
        return np.sum([np.interp(x, at, value) for x, at, value in curves], axis=0)


def genuine_pairs(people: np.ndarray, among: np.ndarray) -> np.ndarray:
    """All pairs of the same person among some photos: int (m, 2)."""
    order = among[np.argsort(people[among], kind="stable")]
    ends = np.flatnonzero(np.diff(people[order], prepend=-1, append=-1))
    rows = []
    for start, end in itertools.pairwise(ends):
        first, second = np.triu_indices(end - start, 1)
        rows.append(np.column_stack([order[start:end][first], order[start:end][second]]))
    return np.concatenate(rows)


def learn(photos: Photos, among: np.ndarray) -> Learned:
    """The curves that explain best how alike photos of the same person are.

    People with many photos have many pairs; they count by the root of how many, not in full.
    """
    pairs = genuine_pairs(photos.people, among)
    z = photos.z[pairs[:, 0], pairs[:, 1]].astype(np.float64)
    _, person, count = np.unique(photos.people[pairs[:, 0]], return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[person])
    at, bases, penalties, steps = [], [], [], []
    for name, x in zip(photos.names, photos.values.T, strict=True):
        knots = np.unique(np.quantile(x[among], QUANTILES[RISES.get(name, 0)]))
        hats = np.stack([np.interp(x, knots, row) for row in np.eye(len(knots))], axis=1)
        bends = np.diff(np.eye(len(knots)), 2, axis=0)
        at.append(knots)
        bases.append(hats - hats[among].mean(axis=0))
        penalties.append(SMOOTHNESS * bends.T @ bends + SHRINKAGE * np.eye(len(knots)))
        steps.append(RISES[name] * np.tri(len(knots)) if name in RISES else np.eye(len(knots)))
    basis = np.concatenate(bases, axis=1)
    sums = basis[pairs[:, 0]] + basis[pairs[:, 1]]
    weighted = sums * weight[:, None]
    left = weighted.T @ sums + _blocks(penalties) * weight.sum() / PENALTY_PAIRS
    right = weighted.T @ (z - np.average(z, weights=weight))
    # A curve that may only rise, or fall, is the sum of steps that are not negative; its first value is free.
    step = _blocks(steps)
    free = np.concatenate(
        [(np.arange(len(knots)) == 0) | (name not in RISES) for name, knots in zip(photos.names, at, strict=True)]
    )
    found = step @ _least_squares(step.T @ left @ step, step.T @ right, free)
    values = np.split(found, np.cumsum([len(knots) for knots in at])[:-1])
    for i, name in enumerate(photos.names):
        if name in WORST:
            at[i], values[i] = _extended(at[i], values[i], WORST[name])
    return Learned(tuple(at), tuple(values))


def _extended(at: np.ndarray, value: np.ndarray, worst: float) -> tuple[np.ndarray, np.ndarray]:
    """The curve, gone on straight to the worst that a measure can be: LFW holds few such photos."""
    if worst < at[0]:
        slope = max((value[1] - value[0]) / (at[1] - at[0]), 0.0)
        return np.r_[worst, at], np.r_[value[0] - slope * (at[0] - worst), value]
    if worst > at[-1]:
        slope = min((value[-1] - value[-2]) / (at[-1] - at[-2]), 0.0)
        return np.r_[at, worst], np.r_[value, value[-1] + slope * (worst - at[-1])]
    return at, value


def _least_squares(left: np.ndarray, right: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Solve `left @ x = right` as well as can be with no x below 0 that is not free: coordinate descent."""
    x = np.zeros(len(right))
    for _ in range(SWEEPS):
        for i in range(len(x)):
            best = x[i] + (right[i] - left[i] @ x) / left[i, i]
            x[i] = best if free[i] else max(best, 0.0)
    return x


def _blocks(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """The matrices along a diagonal."""
    size = sum(len(matrix) for matrix in matrices)
    whole = np.zeros((size, size))
    start = 0
    for matrix in matrices:
        end = start + len(matrix)
        whole[start:end, start:end] = matrix
        start = end
    return whole


def dump(names: Sequence[str], learned: Learned, terms: np.ndarray) -> bytes:
    """The registry's file: the curves, and the share of the photos that have a lower sum."""
    shares = np.array([0.0, 0.005, 0.01, 0.02, 0.05, *np.arange(0.1, 0.95, 0.1), 0.95, 0.98, 0.99, 1.0])
    places = np.quantile(terms, shares)
    # There are worse photos than those of LFW: the score is 0 not at the worst of them, but as far below it as the
    # middle one is above it.
    places[1] = places[0]
    places[0] = 2 * places[0] - np.median(terms)

    def curve(at: np.ndarray, value: np.ndarray) -> dict[str, list[float]]:
        return {"at": [round(float(x), 6) for x in at], "value": [round(float(x), 6) for x in value]}

    curves = zip(names, learned.at, learned.value, strict=True)
    table = {
        "format": FORMAT,
        "score": curve(places, shares),
        "term": {name: curve(at, value) for name, at, value in curves},
    }
    return tomli_w.dumps(table).encode()


def measure(path: Path | None, data: Path, engine: Engine) -> tuple[dict[str, list[float]], tuple[str, ...]]:
    """The measures of the face of each photo of LFW by its name, from the file or from the photos."""
    if path is not None and path.exists():
        with np.load(path, allow_pickle=False) as archive:
            values = dict(zip(archive["photos"].tolist(), archive["values"].tolist(), strict=True))
            return values, tuple(archive["names"].tolist())
    poser = PoseEstimator.parse(Registry.builtin().asset("face-model").read())
    measured: dict[str, dict[str, float]] = {}
    for photo, content in read_photos(data):
        if photo.set != LFW:
            break
        image = decode_image(content, name=photo.name)
        face = face_of(engine, image, photo)
        if face is not None:
            # As `QualityChecker.measure` does.
            face = replace(face, landmarks=balanced(face.landmarks, poser.counterparts))
            chip = cut(image.pixels, face.landmarks, five_features(face.landmarks, image.width, image.height))
            measured[photo.name] = overall_measures(face, poser.pose(face.landmarks), chip)
        if len(measured) % 500 == 0:
            print(f"{len(measured)} photos measured", flush=True)
    values = {name: list(row.values()) for name, row in measured.items()}
    names = tuple(next(iter(measured.values())))
    if path is not None:
        np.savez(path, photos=np.array(list(values)), values=np.array(list(values.values())), names=np.array(names))
    return values, names


def load(data: Path, embeddings: Path | None, measures: Path | None) -> Photos:
    """LFW, its labels corrected, compared and measured."""
    engine = open_engine()
    encoded = load_or_encode(embeddings, data, engine)
    values, names = measure(measures, data, engine)
    photos = corrected(encoded.photos)
    rows = [i for i, photo in enumerate(photos) if photo.set == LFW and not encoded.covering[i]]
    compared = encoded.embeddings[rows]
    return Photos(
        people=numbered(photos)[rows],
        z=compared @ compared.T,
        values=np.array([values[photos[row].name] for row in rows]),
        names=names,
    )


def main() -> None:
    """Learn, write the file and its SHA-256."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder with lfw-pairs.tar and the other sets")
    parser.add_argument("--embeddings", type=Path, help="reuse the embeddings in this file, or write them there")
    parser.add_argument("--measures", type=Path, help="reuse the measures in this file, or write them there")
    words = parser.parse_args()
    photos = load(words.data, words.embeddings, words.measures)
    learned = learn(photos, np.arange(len(photos.people)))
    put(
        Registry.builtin().asset("overall-quality"),
        dump(photos.names, learned, learned.terms(photos.values)),
    )


if __name__ == "__main__":
    main()
