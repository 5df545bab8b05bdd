"""A judgement as lines for people, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid.bodies import DEFAULT_THRESHOLD, false_match_rate
from senseid.drift.judge import Change
from senseid_engine.calibration.rates import wilson

if TYPE_CHECKING:
    from senseid.command_shapes import Drift, DriftMeasure
    from senseid.drift.judge import Judgement, Measured
    from senseid_engine.calibration.provenance import Provenance

_WORDS = {
    Change.SAME: "as before: no more than chance",
    Change.SLIGHTLY: "changed slightly: more than chance, and little",
    Change.CHANGED: "CHANGED",
    Change.TOO_FEW: "too few events to tell",
    Change.NO_REFERENCE: "nothing to compare it with: keep a reference with --save",
}
UNKNOWN = "the rate of false matches itself cannot be known without labels: `senseid models calibrate`"


def lines(judgement: Judgement, provenance: Provenance) -> list[str]:
    """One line per measure, then the promise."""
    found = [_line(each) for each in judgement.measured]
    if judgement.models_changed:
        found.append("models: others than those of the reference, so scores are expected to differ")
    promise = judgement.promise
    if promise is None:
        return [*found, "promise: too few comparisons to tell"]
    found.append(
        f"promise: {promise.between} of {judgement.compared} scores are between 0.5 and 0.7; strangers as alike as the"
        f" promise allows and the right people of {provenance.set_name} would give {promise.allowed:.1f}"
        f" (p {promise.p:.2g})"
    )
    if judgement.is_doubtful:
        found.append(
            "promise: DOUBTFUL: either strangers score higher than calibrated, or right people lower: label a sample"
        )
    else:
        found.append("promise: nothing here speaks against it")
    found.append(
        f"promise: at most {_worst(judgement):.2g} of the comparisons can be false matches, if every match were one"
        f" ({judgement.matches} at {DEFAULT_THRESHOLD:g}; promised of strangers:"
        f" {false_match_rate(DEFAULT_THRESHOLD):g}); {UNKNOWN}"
    )
    return found


def body(judgement: Judgement, provenance: Provenance) -> Drift:
    """All of it."""
    promise = judgement.promise
    return {
        "changed": judgement.has_changed,
        "models_changed": judgement.models_changed,
        "measures": [_measure(each) for each in judgement.measured],
        "promise": {
            "status": "unknown" if promise is None else "doubtful" if judgement.is_doubtful else "not_contradicted",
            "threshold": DEFAULT_THRESHOLD,
            "promised_rate": false_match_rate(DEFAULT_THRESHOLD),
            "compared": judgement.compared,
            "matches": judgement.matches,
            "most_false_matches": None if promise is None else _worst(judgement),
            "between": None if promise is None else promise.between,
            "allowed_between": None if promise is None else promise.allowed,
            "p": None if promise is None else promise.p,
            "right_share": None if promise is None else promise.right_share,
            "calibrated_on": provenance.set_name,
            "note": UNKNOWN,
        },
    }


def _worst(judgement: Judgement) -> float:
    """The upper end of the 95 % interval of the share of matches; by the rule of three where there is none."""
    if not judgement.matches:
        return min(1.0, 3 / judgement.compared)
    return wilson(judgement.matches / judgement.compared, judgement.compared).high


def _line(each: Measured) -> str:
    line = f"{each.name}: {_WORDS[each.verdict]} ({each.now} now, {each.before} before"
    if each.difference is not None:
        line += f"; PSI {each.difference.psi:.3f}, p {each.difference.psi_p:.2g}"
        line += f"; KS {each.difference.ks:.3f}, p {each.difference.ks_p:.2g}"
    if each.mean_before is not None and each.mean_now is not None:
        line += f"; mean {each.mean_before:.3f} -> {each.mean_now:.3f}"
    moved = [share for share in each.shares if share[1] != share[2]]
    if moved and each.verdict is not Change.SAME:
        line += "; " + ", ".join(f"{code} {before:.2%} -> {now:.2%}" for code, before, now in moved)
    return line + ")"


def _measure(each: Measured) -> DriftMeasure:
    difference = each.difference
    return {
        "measure": each.name,
        "verdict": str(each.verdict),
        "before": each.before,
        "now": each.now,
        "psi": None if difference is None else difference.psi,
        "psi_p": None if difference is None else difference.psi_p,
        "ks": None if difference is None else difference.ks,
        "ks_p": None if difference is None else difference.ks_p,
        "mean_before": each.mean_before,
        "mean_now": each.mean_now,
        "shares": {code: [before, now] for code, before, now in each.shares},
    }
