"""What was measured, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.calibration.run import CalibrationResult


def promised(score: float) -> float:
    """The false-match rate that a score promises, in (0, 1]."""
    return float(10 ** -((score - 0.3) / 0.1))


def lines(result: CalibrationResult) -> Iterator[str]:
    """Accuracy, FNMR, and how many times more often than promised strangers match, overall and within groups."""
    made = result.curve.provenance
    if result.accuracy is not None:
        mean, error = result.accuracy.mean, result.accuracy.standard_error
        yield f"accuracy over {result.accuracy.folds} folds {mean:.4f} +- {error:.4f}"
    yield "FNMR at FMR " + ", ".join(f"{fmr:g}: {point.fnmr:.4f}" for fmr, point in result.at_fmr)
    lost = made.photos_without_face
    yield f"exponent {made.exponent}, measured to {result.curve.measured_to:.3f}; {lost} photos without a face"
    for row in made.rates:
        over = row.fmr.value / promised(row.score)
        yield f"score {row.score}: FNMR {row.fnmr.value:.4f}, FMR over the promise {over:.3g}"
    for group in made.groups:
        measured = "; ".join(
            f"{row.score}: {row.events / group.pairs / promised(row.score):.2f}, other people"
            f" {row.held_out.mean / promised(row.score):.2f}"
            f" ({row.held_out.lowest / promised(row.score):.2f} .. {row.held_out.highest / promised(row.score):.2f})"
            for row in group.rows
        )
        yield f"{group.name} ({group.people} people, {group.pairs} pairs): {measured}"
