"""`python -m models.recipes.liveness.train FEATURES.npz`: fit the regressions, say how well they do, and write them.

For each network one is of the face, one of its surroundings; their log-odds are summed, and the mean of both networks
counts. Fitted together, they learn sources by heart. Those of the face see the principal components of the filters'
answers, each as large as any other. To this mean is added what the student says; nothing is fitted for it.

First four times without one fold, and judged on that; then on all, calibrated by what the four said of what they had
not seen. Nothing is random.
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
from models.recipes.liveness.folds import FOLDS, fold_of
from models.recipes.liveness.judge import report, report_clips
from models.recipes.liveness.logistic import fit
from senseid_engine.liveness.stills import ASSET, FORMAT, Regression
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from models.recipes.efficientnet_lite import Trunk

# What each source weighs; within one, all groups weigh alike. LFW has no attacks.
SHARES = {"more": 0.3, "clips": 0.3, "webcam-crops": 0.25, "msu-mfsd": 0.12, "dtruong": 0.12, "gc535": 0.1, "lfw": 0.11}
RECAPTURED = 0.35
"""The weight of the simulated recaptures among the attacks."""
STUDENT = 0.5
"""What the log-odds of the student, the last of the features, weigh in the sum."""
LEAST_SPREAD = 1e-2


@dataclass(frozen=True, slots=True)
class Part:
    """One of the regressions.

    Attributes:
        looks: which of the looks it is fitted to.
        features: which of the features of each; the others weigh nothing.
        components: how many of their principal components; 0 for the features themselves.
        penalty: of the fit.
        share: what its log-odds weigh in the sum.
    """

    looks: slice
    features: slice
    components: int
    penalty: float
    share: float


def _parts(trunk: Trunk, start: int) -> tuple[Part, Part]:
    """The regressions of a network whose features begin at `start`: the face, its surroundings."""
    maps = start + trunk.maps
    return (
        Part(slice(None, -1), slice(maps, start + trunk.features), 1000, 1e-2, 0.5),
        Part(slice(-1, None), slice(start, maps), 0, 3e-3, 0.25),
    )


PARTS = (*_parts(LITE0, 0), *_parts(LITE2, LITE0.features))


@dataclass(frozen=True, slots=True)
class Stills:
    """The files that `prepare` wrote; float32 features (n, looks, features), and of each still what it is."""

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
        """Return the weight of each still, 0 where not `chosen`; bona fide faces and attacks come to 1 each."""
        weights = np.zeros(len(chosen))
        for attack in (False, True):
            real = chosen & (self.attack == attack) & ~self.recaptured
            for source, share in SHARES.items():
                groups = np.unique(self.group[real & (self.source == source)])
                for group in groups:
                    cell = real & (self.source == source) & (self.group == group)
                    weights[cell] = share / len(groups) / cell.sum()
            weights[real] /= weights[real].sum()
        recaptured = chosen & self.recaptured
        weights[chosen & self.attack] *= 1 - RECAPTURED
        weights[recaptured] = RECAPTURED / recaptured.sum()
        return weights


def fitted(stills: Stills, chosen: np.ndarray, part: Part) -> tuple[np.ndarray, float]:
    """Weights of the features and bias of one part, fitted to the chosen stills, each look a sample of its own."""
    weights = stills.weights(chosen)
    looks = stills.features[weights > 0, part.looks, part.features]
    samples = looks.reshape(-1, looks.shape[2]).astype(np.float64)
    weight = np.repeat(weights[weights > 0], looks.shape[1])
    positive = np.repeat(~stills.attack[weights > 0], looks.shape[1])
    mean = np.average(samples, axis=0, weights=weight)
    spread = np.sqrt(np.average((samples - mean) ** 2, axis=0, weights=weight)) + LEAST_SPREAD
    samples = (samples - mean) / spread
    into = np.eye(len(mean)) if not part.components else components(samples, weight, part.components)
    answer = fit(samples @ into, positive, weight, part.penalty)
    slopes = np.zeros(stills.features.shape[2])
    slopes[part.features] = into @ answer[:-1] / spread
    return part.share * slopes, part.share * float(answer[-1] - mean @ slopes[part.features])


def components(samples: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """The matrix that leads to the largest principal components, scaled to a spread of 1; float64 (features, count)."""
    scaled = samples * np.sqrt(weight / weight.sum())[:, None]
    variance, axes = np.linalg.eigh(scaled.T @ scaled)
    return np.asarray(axes[:, -count:] / np.sqrt(variance[-count:]))


def regression(stills: Stills, chosen: np.ndarray) -> Regression:
    """All parts, fitted to the chosen stills; not yet calibrated."""
    slopes, biases = zip(*(fitted(stills, chosen, part) for part in PARTS), strict=True)
    surroundings = sum(slopes[1::2])
    surroundings[-1] = STUDENT
    return Regression(sum(biases), sum(slopes[::2]), surroundings)


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("features", type=Path)
    parser.add_argument("--write", action="store_true", help="put what was fitted into the registry")
    arguments = parser.parse_args()
    stills = Stills.read(arguments.features)
    fold = fold_of(stills.group)
    judged = ~stills.recaptured & ~np.isin(stills.source, ("lfw", "clips"))
    said = np.full(len(fold), np.nan)
    for number in range(FOLDS):
        held_out = fold == number
        found = regression(stills, fold != number)
        said[held_out] = [found.log_odds(features) for features in stills.features[held_out]]
    scale, shift = report(said[judged], stills.attack[judged], stills.source[judged], stills.group[judged])
    clips = stills.source == "clips"
    log_odds = scale * said[clips] + shift
    report_clips(log_odds, stills.attack[clips], stills.recaptured[clips], stills.clip[clips], fold[clips])
    found = regression(stills, np.ones(len(fold), bool))
    table: dict[str, float | list[int | float]] = {"format": FORMAT, "bias": scale * found.bias + shift}
    for name, weights in (("face", found.face), ("surroundings", found.surroundings)):
        table[name] = [float(f"{scale * weight:.4g}") if weight else 0 for weight in weights]
    if arguments.write:
        put(Registry.builtin().asset(ASSET), tomli_w.dumps(table, indent=0).encode())


if __name__ == "__main__":
    main()
