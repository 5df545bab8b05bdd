"""`python -m models.recipes.liveness.train FEATURES.npz`: fit the regression, say how well it does, and write it.

First four times without one fold, and judged on that; then on all, calibrated by what the four said of what they had
not seen. Nothing is random.
"""

from __future__ import annotations

import argparse
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from models.recipes.build import write
from models.recipes.liveness.folds import FOLDS, fold_of
from models.recipes.liveness.judge import report
from models.recipes.liveness.logistic import fit
from senseid_engine.liveness.attack import ASSET, FORMAT
from senseid_models.registry import Registry

# What each source weighs; within one, all groups weigh alike. LFW has no attacks.
SHARES = {"more": 0.3, "clips": 0.3, "webcam-crops": 0.25, "msu-mfsd": 0.12, "dtruong": 0.12, "gc535": 0.1, "lfw": 0.11}
RECAPTURED = 0.25
"""The weight of the simulated recaptures among the attacks."""
PENALTY = 1e-3
LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Stills:
    """The files that `prepare` wrote; float32 features (n, views, features), and of each still what it is."""

    features: np.ndarray
    attack: np.ndarray
    group: np.ndarray
    source: np.ndarray
    recaptured: np.ndarray

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


def regression(stills: Stills, chosen: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights of the features and bias, fitted to the chosen stills, each look at a chip a sample of its own."""
    weights = stills.weights(chosen)
    chosen = weights > 0
    views = stills.features.shape[1]
    samples = stills.features[chosen].reshape(-1, stills.features.shape[2]).astype(np.float64)
    weight = np.repeat(weights[chosen], views)
    mean = np.average(samples, axis=0, weights=weight)
    spread = np.sqrt(np.average((samples - mean) ** 2, axis=0, weights=weight)) + LEAST_SPREAD
    answer = fit((samples - mean) / spread, np.repeat(~stills.attack[chosen], views), weight, PENALTY)
    slopes = answer[:-1] / spread
    return slopes, float(answer[-1] - mean @ slopes)


def log_odds(stills: Stills, chosen: np.ndarray, slopes: np.ndarray, bias: float) -> np.ndarray:
    """The mean over the looks at each chosen still."""
    return (stills.features[chosen] @ slopes).mean(axis=1) + bias


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
        held_out = judged & (fold == number)
        said[held_out] = log_odds(stills, held_out, *regression(stills, fold != number))
    scale, shift = report(said[judged], stills.attack[judged], stills.source[judged], stills.group[judged])
    slopes, bias = regression(stills, np.ones(len(fold), bool))
    table = {"format": FORMAT, "bias": scale * bias + shift, "weights": [float(f"{scale * w:.7g}") for w in slopes]}
    if arguments.write:
        asset = Registry.builtin().asset(ASSET)
        data = tomli_w.dumps(table).encode()
        write(asset.path, data)
        manifest = asset.path.with_name("manifest.toml")
        lines = re.compile(rf'(file = "{re.escape(asset.path.name)}"\nsha256 = ")\w+("\nbytes = )\d+')
        pinned = rf"\g<1>{hashlib.sha256(data).hexdigest()}\g<2>{len(data)}"
        write(manifest, lines.sub(pinned, manifest.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main()
