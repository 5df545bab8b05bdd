"""Figures of held-out stills and clips, for `train`: AUC, APCER, BPCER, and the calibration of the log-odds.

APCER is the share of attacks accepted, BPCER the share of bona fide presentations rejected (ISO/IEC 30107-3).
"""

from __future__ import annotations

import numpy as np

from models.recipes.liveness.logistic import fit
from senseid_engine.calibration.rates import wilson

CALIBRATION_SOURCES = ("more", "webcam-crops", "dtruong", "msu-mfsd")
"""Sources whose labels are beyond doubt."""


def auc(bona_fide: np.ndarray, attacks: np.ndarray) -> float:
    """Area under the ROC curve: the probability that a bona fide score is above an attack's; ties count half."""
    ranks = np.searchsorted(np.sort(attacks), bona_fide, "left") + np.searchsorted(np.sort(attacks), bona_fide, "right")
    return float(ranks.mean() / 2 / len(attacks))


def apcer_at(bona_fide: np.ndarray, attacks: np.ndarray, bpcer: float) -> float:
    """The share of attacks accepted by the threshold that rejects at most `bpcer`, 0 to 1, of the bona fide scores."""
    ordered = np.sort(bona_fide)
    threshold = ordered[int(bpcer * len(ordered))]
    return float((attacks >= threshold).mean())


def percent_of(count: int, total: int) -> str:
    """A proportion in per cent with Wilson's 95 % interval."""
    interval = wilson(count / total, total)
    return f"{100 * count / total:.1f} % ({100 * interval.low:.1f} to {100 * interval.high:.1f} of {total})"


def report_stills(
    log_odds: np.ndarray, attack: np.ndarray, source: np.ndarray, group: np.ndarray
) -> tuple[float, float]:
    """Print the figures of held-out stills, and calibrate by them.

    Args:
        log_odds: float64 (n,), not yet calibrated.
        attack: bool (n,), which show an attack.
        source: str (n,), their sources.
        group: str (n,), their groups.

    Returns:
        Scale and shift that calibrate the log-odds (Platt scaling), fitted to `CALIBRATION_SOURCES`; every source and
        label has the same total weight.
    """
    by_source = [
        f"{name} {auc(log_odds[(source == name) & ~attack], log_odds[(source == name) & attack]):.3f}"
        for name in np.unique(source)
    ]
    print(f"AUC: all {auc(log_odds[~attack], log_odds[attack]):.3f},", ", ".join(by_source))
    msu = source == "msu-mfsd"
    print(f"msu-mfsd: APCER {apcer_at(log_odds[msu & ~attack], log_odds[msu & attack], 0.05):.3f} at BPCER <= 5 %")
    by_group = []
    for name in np.unique(group[source == "webcam-crops"]):
        bona_fide, attacks = log_odds[(group == name) & ~attack], log_odds[(group == name) & attack]
        by_group.append(auc(bona_fide, attacks))
        medians = f"medians {np.median(bona_fide):.1f} {np.median(attacks):.1f}"
        print(f"  {name}: {len(bona_fide)} + {len(attacks)}, AUC {by_group[-1]:.3f}, {medians}")
    print(f"AUC within webcam groups: mean {np.mean(by_group):.3f}, median {np.median(by_group):.3f}")
    reliable = np.isin(source, CALIBRATION_SOURCES)
    weight = np.zeros(len(log_odds))
    for name in CALIBRATION_SOURCES:
        for label in (False, True):
            cell = (source == name) & (attack == label)
            weight[cell] = 1 / cell.sum()
    scale, shift = fit(log_odds[reliable, None], ~attack[reliable], weight[reliable], 0.0)
    print(f"calibration: {scale:.4f} x {shift:+.4f}; with it, at log-odds 0:")
    accepted = scale * log_odds + shift >= 0
    for name in np.unique(source):
        errors = accepted[(source == name) & attack], ~accepted[(source == name) & ~attack]
        apcer, bpcer = (percent_of(int(wrong.sum()), len(wrong)) for wrong in errors)
        print(f"  {name}: APCER {apcer}, BPCER {bpcer}")
    return float(scale), float(shift)


def report_clips(
    log_odds: np.ndarray, attack: np.ndarray, recaptured: np.ndarray, clip: np.ndarray, fold: np.ndarray
) -> None:
    """Print the figures of held-out clips and of simulated recaptures of them, by the mean log-odds of their frames.

    Error rates are given at two thresholds: the one at which 5 % of all live clips are rejected, and, for each fold,
    the one at which 5 % of the live clips of the other folds are.

    Args:
        log_odds: float64 (n,), of the frames, calibrated.
        attack: bool (n,), which show an attack.
        recaptured: bool (n,), which are simulated recaptures; these are attacks, too.
        clip: str (n,), the clip of each frame.
        fold: int (n,), the fold in which each frame was held out.
    """
    means = {}
    for kind, chosen in (
        ("live", ~attack),
        ("real recordings", attack & ~recaptured),
        ("simulated recaptures", recaptured),
    ):
        _, first, index = np.unique(clip[chosen], return_index=True, return_inverse=True)
        means[kind] = np.bincount(index, log_odds[chosen]) / np.bincount(index), fold[chosen][first]
    live, live_fold = means.pop("live")
    thresholds = {number: np.quantile(live[live_fold != number], 0.05) for number in np.unique(fold)}
    rejected = sum(live < [thresholds[number] for number in live_fold])
    ordered = np.sort(live)
    print(f"{len(live)} live clips, lowest {ordered[:8].round(2)}")
    print(f"  at the threshold of the other folds: BPCER {percent_of(int(rejected), len(live))}")
    for kind, (attacks, attacks_fold) in means.items():
        print(f"{kind}: AUC {auc(live, attacks):.3f}; highest {np.sort(attacks)[:-9:-1].round(2)}")
        accepted = round(apcer_at(live, attacks, 0.05) * len(attacks))
        threshold = ordered[int(0.05 * len(live))]
        print(f"  at BPCER <= 5 %, log-odds {threshold:.2f}: APCER {percent_of(accepted, len(attacks))}")
        accepted = sum(attacks >= [thresholds[number] for number in attacks_fold])
        print(f"  at the threshold of the other folds: APCER {percent_of(int(accepted), len(attacks))}")
