"""Learning how much faces resemble strangers from the photos of many people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.cohort import Cohort, quadratic_features
from senseid_engine.errors import CalibrationError

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Doubles, Floats

GROUPS = 8
OTHERS = (1, 3, 15)
COMPONENTS = 300
CROSSED = 40
# Ridge penalty on standardised features, per sample. Chosen on LFW, with others' people: docs/models/recognition.md.
RIDGE = 1e-2


def fit_cohort(embeddings: Floats, people: npt.NDArray[np.integer], *, nearest: int) -> Cohort:
    """Learn the mean and deviation of similarities to the nearest strangers.

    What is learned for a photo comes from strangers only: people are dealt into groups, and each photo meets one photo
    of every person of the other groups.

    Args:
        embeddings: float32 (photos, dimensions), fused, unit length.
        people: int (photos,), the person of each.
        nearest: how many of the most similar strangers count.

    Raises:
        CalibrationError: there are too few people.
    """
    present, first, person = np.unique(people, return_index=True, return_inverse=True)
    strangers = len(present) - -(-len(present) // GROUPS)
    if strangers < nearest:
        raise CalibrationError(
            "own cohort",
            f"{len(present)} people cannot stand for strangers, {-(-nearest * GROUPS // (GROUPS - 1))} are"
            " needed: add people, or leave it out",
        )
    learned_from = np.concatenate([embeddings, _mixtures(embeddings, person)])
    targets = _targets(learned_from, np.tile(person, 2), embeddings[first], nearest)
    centre = embeddings.mean(axis=0)
    components = min(COMPONENTS, *embeddings.shape)
    basis = _principal_directions(embeddings - centre, components)
    crossed = min(CROSSED, components)
    features = quadratic_features(learned_from - centre, basis, crossed)
    coefficients, intercept = _ridge(features, targets)
    # A face more ordinary than all of these, such as their mean, is asked for more; without bounds a strange one
    # might be asked for anything.
    spread = targets.std(axis=0)
    bounds = np.stack([targets.min(axis=0) - spread, targets.max(axis=0) + spread], axis=1)
    return Cohort(centre, basis, np.array(crossed), coefficients, intercept, bounds)


def _mixtures(embeddings: Floats, person: npt.NDArray[np.integer]) -> Floats:
    """Each photo mixed with 1, 3 or 15 others of its group, unit length.

    No photo lies near the middle of all faces, and a regression may say anything there. A morph of several faces does,
    and resembles many people: it must be known to.
    """
    rng = np.random.default_rng(0)
    mixed = np.empty_like(embeddings)
    for group in range(GROUPS):
        rows = np.flatnonzero(person % GROUPS == group)
        for i, row in enumerate(rows):
            others = rng.choice(rows, OTHERS[i % len(OTHERS)])
            mixed[row] = embeddings[row] + embeddings[others].sum(axis=0)
    scaled: Floats = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return scaled


def _targets(embeddings: Floats, person: npt.NDArray[np.integer], one_each: Floats, nearest: int) -> Doubles:
    """Mean and log deviation of each embedding's similarities to its nearest strangers: float64 (photos, 2)."""
    group_of_photo = person % GROUPS
    group_of_person = np.arange(len(one_each)) % GROUPS
    targets = np.empty((len(embeddings), 2))
    for group in range(GROUPS):
        rows = np.flatnonzero(group_of_photo == group)
        similarities = embeddings[rows] @ one_each[group_of_person != group].T
        top = np.partition(similarities, -nearest, axis=1)[:, -nearest:].astype(np.float64)
        targets[rows, 0] = top.mean(axis=1)
        targets[rows, 1] = np.log(top.std(axis=1))
    return targets


def _principal_directions(centred: Floats, components: int) -> Floats:
    _, vectors = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    directions = vectors[:, ::-1][:, :components].T
    # An eigenvector's sign is arbitrary: fixed, so that the same photos give the same file.
    strongest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(components), strongest])
    return np.ascontiguousarray(directions * signs[:, None], dtype=np.float32)


def _ridge(features: Doubles, targets: Doubles) -> tuple[Doubles, Doubles]:
    """Ridge regression on standardised features: coefficients and intercept for the features as they are."""
    middle, spread = features.mean(axis=0), features.std(axis=0) + 1e-12
    scaled = (features - middle) / spread
    offset = targets.mean(axis=0)
    gram = scaled.T @ scaled + RIDGE * len(scaled) * np.eye(scaled.shape[1])
    coefficients = np.linalg.solve(gram, scaled.T @ (targets - offset)) / spread[:, None]
    return coefficients, offset - middle @ coefficients
