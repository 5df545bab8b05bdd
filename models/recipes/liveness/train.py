"""`python -m models.recipes.liveness.train FEATURES.npz [--write]`: fit and evaluate the logistic regressions.

FEATURES.npz is what `prepare` wrote. For each texture network one regression is fitted to the face and one to its
surroundings, separately, since a joint fit overfits to the sources. Those of the face are fitted to PCA-whitened means
of the filters' outputs. The log-odds are the weighted sum of the regressions' and, with a fixed weight, the student's.

Four-fold cross-validation gives the figures and the calibration; a last fit to all stills gives the weights. These are
written to the registry's asset `liveness-stills` only with `--write`. Nothing is random.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tomli_w

from models.recipes.build import put
from models.recipes.efficientnet_lite import LITE0, LITE2
from models.recipes.liveness.evaluate import report_clips, report_stills
from models.recipes.liveness.folds import FOLDS, fold_of
from models.recipes.liveness.logistic import fit
from senseid_engine.liveness.stills import ASSET, FORMAT, Regression
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from models.recipes.efficientnet_lite import Trunk

SOURCE_WEIGHTS = {
    "more": 0.3,
    "clips": 0.3,
    "webcam-crops": 0.25,
    "msu-mfsd": 0.12,
    "dtruong": 0.12,
    "gc535": 0.1,
    "lfw": 0.11,
}
"""The total weight of each source; within a source, all groups have the same. LFW has no attacks."""
RECAPTURE_WEIGHT = 0.35
"""The total weight of the simulated recaptures, as a share of all attacks'."""
STUDENT_WEIGHT = 0.5
"""Of the student's log-odds, the last of the features, in the sum."""
STD_EPSILON = 1e-2
"""Added to each feature's standard deviation, so that near-constant ones are not blown up."""


@dataclass(frozen=True, slots=True)
class Submodel:
    """One of the regressions.

    Attributes:
        crops: which of the crops it is fitted to, each as a sample of its own.
        features: which of the features of each; the others have weight 0.
        pca_components: how many principal components it is fitted to; 0 for the standardised features.
        penalty: of the squared L2 norm of its slopes.
        weight: of its log-odds in the sum.
    """

    crops: slice
    features: slice
    pca_components: int
    penalty: float
    weight: float


def _submodels(trunk: Trunk, start: int) -> tuple[Submodel, Submodel]:
    """The regressions of a network whose features begin at `start`: of the face, of its surroundings."""
    maps = start + trunk.maps
    return (
        Submodel(slice(None, -1), slice(maps, start + trunk.features), 1000, 1e-2, 0.5),
        Submodel(slice(-1, None), slice(start, maps), 0, 3e-3, 0.25),
    )


SUBMODELS = (*_submodels(LITE0, 0), *_submodels(LITE2, LITE0.features))


@dataclass(frozen=True, slots=True)
class Stills:
    """Stills and simulated recaptures of them, as `prepare` wrote them.

    Attributes:
        features: float32 (n, crops, features): crops of the face, then one of its surroundings; the last feature is the
            student's answer.
        attack: bool (n,), whether each shows an attack; recaptures do.
        group: str (n,), what is held out together.
        source: str (n,), the data set.
        recaptured: bool (n,), which are simulated recaptures.
        clip: str (n,), the clip of a frame, or "".
    """

    features: np.ndarray
    attack: np.ndarray
    group: np.ndarray
    source: np.ndarray
    recaptured: np.ndarray
    clip: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Stills:
        """Read the file."""
        with np.load(path) as file:
            return cls(
                file["features"].astype(np.float32),
                file["attack"],
                file["group"],
                file["source"],
                file["recaptured"],
                file["clip"],
            )

    def weights(self, chosen: np.ndarray) -> np.ndarray:
        """Sample weights by `SOURCE_WEIGHTS` and `RECAPTURE_WEIGHT`.

        Args:
            chosen: bool (n,), which stills are fitted to.

        Returns:
            float64 (n,), 0 where not chosen; those of bona fide stills and those of attacks each sum to 1.
        """
        weights = np.zeros(len(chosen))
        for attack in (False, True):
            real = chosen & (self.attack == attack) & ~self.recaptured
            for source, source_weight in SOURCE_WEIGHTS.items():
                groups = np.unique(self.group[real & (self.source == source)])
                for group in groups:
                    cell = real & (self.source == source) & (self.group == group)
                    weights[cell] = source_weight / len(groups) / cell.sum()
            weights[real] /= weights[real].sum()
        recaptured = chosen & self.recaptured
        weights[chosen & self.attack] *= 1 - RECAPTURE_WEIGHT
        weights[recaptured] = RECAPTURE_WEIGHT / recaptured.sum()
        return weights


def fit_submodel(stills: Stills, chosen: np.ndarray, submodel: Submodel) -> tuple[np.ndarray, float]:
    """Fit one regression to the chosen stills.

    Args:
        stills: all stills.
        chosen: bool (n,), which are fitted to.
        submodel: what is fitted.

    Returns:
        Slopes of the raw features, float64 (features,), and the bias, both times the submodel's weight.
    """
    weights = stills.weights(chosen)
    crops = stills.features[weights > 0, submodel.crops, submodel.features]
    samples = crops.reshape(-1, crops.shape[2]).astype(np.float64)
    weight = np.repeat(weights[weights > 0], crops.shape[1])
    positive = np.repeat(~stills.attack[weights > 0], crops.shape[1])
    mean = np.average(samples, axis=0, weights=weight)
    std = np.sqrt(np.average((samples - mean) ** 2, axis=0, weights=weight)) + STD_EPSILON
    samples = (samples - mean) / std
    components = submodel.pca_components
    projection = whitening(samples, weight, components) if components else np.eye(len(mean))
    coefficients = fit(samples @ projection, positive, weight, submodel.penalty)
    slopes = np.zeros(stills.features.shape[2])
    slopes[submodel.features] = projection @ coefficients[:-1] / std
    bias = float(coefficients[-1] - mean @ slopes[submodel.features])
    return submodel.weight * slopes, submodel.weight * bias


def whitening(samples: np.ndarray, weight: np.ndarray, components: int) -> np.ndarray:
    """The PCA whitening matrix, float64 (features, components): onto the largest components, each of variance 1.

    Args:
        samples: float64 (n, features), standardised with the same weights.
        weight: float64 (n,), of the samples.
        components: how many are kept.
    """
    scaled = samples * np.sqrt(weight / weight.sum())[:, None]
    variance, axes = np.linalg.eigh(scaled.T @ scaled)
    return np.asarray(axes[:, -components:] / np.sqrt(variance[-components:]))


def fit_regression(stills: Stills, chosen: np.ndarray) -> Regression:
    """Fit all submodels to the chosen stills, bool (n,), and add the student; not calibrated."""
    slopes, biases = zip(*(fit_submodel(stills, chosen, submodel) for submodel in SUBMODELS), strict=True)
    surroundings = sum(slopes[1::2])
    surroundings[-1] = STUDENT_WEIGHT
    return Regression(sum(biases), sum(slopes[::2]), surroundings)


def main() -> None:
    """Fit and evaluate; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    parser.add_argument("--write", action="store_true", help="write the weights into the registry")
    arguments = parser.parse_args()
    stills = Stills.read(arguments.features)
    fold = fold_of(stills.group)
    evaluated = ~stills.recaptured & ~np.isin(stills.source, ("lfw", "clips"))
    raw_log_odds = np.full(len(fold), np.nan)
    for number in range(FOLDS):
        held_out = fold == number
        regression = fit_regression(stills, fold != number)
        raw_log_odds[held_out] = [regression.log_odds(features) for features in stills.features[held_out]]
    scale, shift = report_stills(
        raw_log_odds[evaluated], stills.attack[evaluated], stills.source[evaluated], stills.group[evaluated]
    )
    clips = stills.source == "clips"
    log_odds = scale * raw_log_odds[clips] + shift
    report_clips(log_odds, stills.attack[clips], stills.recaptured[clips], stills.clip[clips], fold[clips])
    regression = fit_regression(stills, np.ones(len(fold), bool))
    table: dict[str, float | list[int | float]] = {"format": FORMAT, "bias": scale * regression.bias + shift}
    for name, weights in (("face", regression.face), ("surroundings", regression.surroundings)):
        table[name] = [float(f"{scale * weight:.4g}") if weight else 0 for weight in weights]
    if arguments.write:
        put(Registry.builtin().asset(ASSET), tomli_w.dumps(table, indent=0).encode())


if __name__ == "__main__":
    main()
