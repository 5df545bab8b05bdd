"""`python -m models.recipes.liveness.judge CACHE FOLD.npz ...`: what the folds say of groups that they never saw.

Prints the area under the ROC curve by source and by group, the error rates of MSU at its own operating point, and the
scale and shift that calibrate the log-odds: a logistic fit in which every source and label weighs alike.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from senseid_engine.calibration.rates import wilson

from .train import Cache, load

# Sources whose labels are beyond doubt: the calibration is fitted to them.
CERTAIN = ("webcam-crops", "dtruong", "msu-mfsd")


def auc(bona_fide: np.ndarray, attacks: np.ndarray) -> float:
    """The probability that a bona fide score is above an attack's; ties count half."""
    ranks = np.searchsorted(np.sort(attacks), bona_fide, "left") + np.searchsorted(np.sort(attacks), bona_fide, "right")
    return float(ranks.mean() / 2 / len(attacks))


def apcer_at(bona_fide: np.ndarray, attacks: np.ndarray, bpcer: float) -> float:
    """The share of attacks accepted where at most `bpcer` of the bona fide are rejected."""
    ordered = np.sort(bona_fide)
    threshold = ordered[int(bpcer * len(ordered))]
    return float((attacks >= threshold).mean())


def calibrate(scores: np.ndarray, attack: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Scale and shift of a logistic fit, by Newton's method."""
    design = np.stack([scores, np.ones_like(scores)], 1)
    answer = np.array([1.0, 0.0])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ answer, -30, 30)))
        gradient = design.T @ (weight * (~attack - p))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design
        answer = answer + np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
    return float(answer[0]), float(answer[1])


def share(count: int, total: int) -> str:
    """A share in per cent with Wilson's interval."""
    interval = wilson(count / total, total)
    return f"{100 * count / total:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f} of {total})"


def report(cache: Cache, numbers: np.ndarray, parts: np.ndarray) -> None:
    """Print the figures of held-out stills."""
    score = parts.sum(axis=1)
    attack, source, group = cache.attack[numbers], cache.source[numbers], cache.group[numbers]
    for name, values in (("both", score), ("face", parts[:, 0]), ("surroundings", parts[:, 1])):
        row = [
            f"{s} {auc(values[(source == s) & ~attack], values[(source == s) & attack]):.3f}" for s in np.unique(source)
        ]
        sure = np.isin(source, CERTAIN)
        print(f"{name}: all {auc(values[~attack], values[attack]):.4f}", end=", ")
        print(f"without gc535 {auc(values[sure & ~attack], values[sure & attack]):.4f},", ", ".join(row))
    msu = source == "msu-mfsd"
    if msu.any():
        print(f"msu-mfsd: APCER {apcer_at(score[msu & ~attack], score[msu & attack], 0.05):.3f} at BPCER <= 5 %")
    for name in np.unique(group):
        mask = group == name
        if not str(name).startswith("msu") and len(np.unique(attack[mask])) == 2:
            live, spoof = score[mask & ~attack], score[mask & attack]
            print(
                f"  {name}: {len(live)} + {len(spoof)}, AUC {auc(live, spoof):.3f}, "
                f"medians {np.median(live):.1f} {np.median(spoof):.1f}, at 0: BPCER {(live < 0).mean():.2f} "
                f"APCER {(spoof >= 0).mean():.2f}"
            )
    sure = np.isin(source, CERTAIN)
    weight = np.zeros(len(numbers))
    for s in CERTAIN:
        for a in (False, True):
            cell = (source == s) & (attack == a)
            weight[cell] = 1 / max(1, cell.sum())
    scale, shift = calibrate(score[sure], attack[sure], weight[sure])
    print(f"calibration: --scale {scale:.4f} --shift {shift:.4f}; with it, at even odds:")
    passed = scale * score + shift >= 0
    for name in np.unique(source):
        spoof, live = passed[(source == name) & attack], ~passed[(source == name) & ~attack]
        print(f"  {name}: APCER {share(int(spoof.sum()), len(spoof))}, BPCER {share(int(live.sum()), len(live))}")


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("folds", type=Path, nargs="+")
    arguments = parser.parse_args()
    results = [np.load(path) for path in arguments.folds]
    numbers = np.concatenate([result["numbers"] for result in results])
    report(load(arguments.cache), numbers, np.concatenate([result["parts"] for result in results]))


if __name__ == "__main__":
    main()
