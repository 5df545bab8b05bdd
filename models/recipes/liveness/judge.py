"""Judgement by held-out stills: the area under the ROC curve by source and group, error rates, and the calibration."""

from __future__ import annotations

import numpy as np

from models.recipes.liveness.logistic import fit
from senseid_engine.calibration.rates import wilson

# Sources whose labels are beyond doubt: the calibration is fitted to them.
CERTAIN = ("more", "webcam-crops", "dtruong", "msu-mfsd")


def auc(bona_fide: np.ndarray, attacks: np.ndarray) -> float:
    """The probability that a bona fide score is above an attack's; ties count half."""
    ranks = np.searchsorted(np.sort(attacks), bona_fide, "left") + np.searchsorted(np.sort(attacks), bona_fide, "right")
    return float(ranks.mean() / 2 / len(attacks))


def apcer_at(bona_fide: np.ndarray, attacks: np.ndarray, bpcer: float) -> float:
    """The share of attacks accepted where at most `bpcer` of the bona fide are rejected."""
    ordered = np.sort(bona_fide)
    threshold = ordered[int(bpcer * len(ordered))]
    return float((attacks >= threshold).mean())


def share(count: int, total: int) -> str:
    """A share in per cent with Wilson's interval."""
    interval = wilson(count / total, total)
    return f"{100 * count / total:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f} of {total})"


def report(score: np.ndarray, attack: np.ndarray, source: np.ndarray, group: np.ndarray) -> tuple[float, float]:
    """Print the figures of held-out stills.

    Args:
        score: their log-odds, not yet calibrated.
        attack: bool, which show an attack.
        source: their source.
        group: their group.

    Returns:
        Scale and shift that calibrate the log-odds: a logistic fit, every certain source and label weighing alike.
    """
    by_source = [
        f"{name} {auc(score[(source == name) & ~attack], score[(source == name) & attack]):.3f}"
        for name in np.unique(source)
    ]
    print(f"AUC: all {auc(score[~attack], score[attack]):.3f},", ", ".join(by_source))
    msu = source == "msu-mfsd"
    print(f"msu-mfsd: APCER {apcer_at(score[msu & ~attack], score[msu & attack], 0.05):.3f} at BPCER <= 5 %")
    within = []
    for name in np.unique(group[source == "webcam-crops"]):
        live, spoof = score[(group == name) & ~attack], score[(group == name) & attack]
        within.append(auc(live, spoof))
        medians = f"medians {np.median(live):.1f} {np.median(spoof):.1f}"
        print(f"  {name}: {len(live)} + {len(spoof)}, AUC {within[-1]:.3f}, {medians}")
    print(f"webcam groups by themselves: mean {np.mean(within):.3f}, median {np.median(within):.3f}")
    sure = np.isin(source, CERTAIN)
    weight = np.zeros(len(score))
    for name in CERTAIN:
        for label in (False, True):
            cell = (source == name) & (attack == label)
            weight[cell] = 1 / cell.sum()
    scale, shift = fit(score[sure, None], ~attack[sure], weight[sure], 0.0)
    print(f"calibration: {scale:.4f} x {shift:+.4f}; with it, at even odds:")
    passed = scale * score + shift >= 0
    for name in np.unique(source):
        spoof, live = passed[(source == name) & attack], ~passed[(source == name) & ~attack]
        print(f"  {name}: APCER {share(int(spoof.sum()), len(spoof))}, BPCER {share(int(live.sum()), len(live))}")
    return float(scale), float(shift)


def report_clips(
    log_odds: np.ndarray, attack: np.ndarray, recaptured: np.ndarray, clip: np.ndarray, fold: np.ndarray
) -> None:
    """Print the figures of held-out clips and recaptures of them, by the mean of their frames' calibrated log-odds.

    Each is judged twice: where 5 % of all live clips are refused, and where 5 % of those of the other folds are.
    """
    means = {}
    for kind, chosen in (
        ("live", ~attack),
        ("real recordings", attack & ~recaptured),
        ("simulated", recaptured),
    ):
        _, first, of = np.unique(clip[chosen], return_index=True, return_inverse=True)
        means[kind] = np.bincount(of, log_odds[chosen]) / np.bincount(of), fold[chosen][first]
    live, live_fold = means.pop("live")
    places = {number: np.quantile(live[live_fold != number], 0.05) for number in np.unique(fold)}
    refused = sum(live < [places[number] for number in live_fold])
    ordered = np.sort(live)
    print(f"{len(live)} live clips, lowest {ordered[:8].round(2)}")
    print(f"  at the place of the other folds {share(int(refused), len(live))} refused")
    for kind, (attacks, its_fold) in means.items():
        print(f"{kind}: AUC {auc(live, attacks):.3f}; highest {np.sort(attacks)[:-9:-1].round(2)}")
        passed = round(apcer_at(live, attacks, 0.05) * len(attacks))
        place = ordered[int(0.05 * len(live))]
        print(f"  at BPCER <= 5 %, log-odds {place:.2f}: APCER {share(passed, len(attacks))}")
        passed = sum(attacks >= [places[number] for number in its_fold])
        print(f"  at the place of the other folds: APCER {share(int(passed), len(attacks))}")
