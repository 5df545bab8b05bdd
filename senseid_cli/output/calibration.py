"""A calibration as plain facts: for `--json`, `report.json`, `rates.csv` and the table. Names and rates only."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from senseid.bodies import false_match_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from senseid import command_shapes as shapes
    from senseid_engine.calibration.provenance import Rate, RateRow
    from senseid_engine.calibration.run import CalibrationResult


def report_body(result: CalibrationResult) -> shapes.Calibration:
    """Everything that was measured, ready for JSON."""
    provenance = result.curve.provenance
    return {
        "set": provenance.set_name,
        "made": provenance.made,
        "note": provenance.note,
        "photos": provenance.photos,
        "people": provenance.people,
        "genuine_pairs": provenance.genuine_pairs,
        "impostor_pairs": provenance.impostor_pairs,
        "seed": provenance.seed,
        "model": {"id": provenance.model.id, "sha256": provenance.model.sha256},
        "measured_to": result.curve.measured_to,
        "rates": [_row(row, result) for row in provenance.rates],
        "fnmr_at_fmr": [
            {"fmr": fmr, "fnmr": point.fnmr, "similarity": point.z, "score": result.curve.score(point.z)}
            for fmr, point in result.at_fmr
        ],
        "equal_error_rate": result.equal_error_rate,
        "accuracy": None
        if result.accuracy is None
        else {
            "mean": result.accuracy.mean,
            "standard_error": result.accuracy.standard_error,
            "folds": result.accuracy.folds,
        },
        "photos_without_face": [photo.name for photo in result.unusable if photo.no_face],
        "photos_refused": [
            {"photo": photo.name, "problem": photo.problem} for photo in result.unusable if not photo.no_face
        ],
    }


def rates_csv(result: CalibrationResult) -> str:
    """The rates, one row per score."""
    rows = [dict(_flat(_row(row, result))) for row in result.curve.provenance.rates]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def table_cells(result: CalibrationResult) -> list[list[str]]:
    """The cells of the printed table: a header, then one row per score."""
    header = [
        "score",
        "promised FMR",
        "FMR",
        "95 % by person",
        "FMR on other people",
        "FNMR",
        "95 % by person",
        "basis",
    ]
    return [header, *(_cells(row, result) for row in result.curve.provenance.rates)]


def summary_lines(result: CalibrationResult) -> list[str]:
    """The measurements outside the table, one per line, fields separated by tabs."""
    provenance = result.curve.provenance
    lost = f"{provenance.photos_without_face:,} without a face, {provenance.photos_refused:,} refused"
    lines = [
        f"photos\t{provenance.photos:,} of {provenance.people:,} people; {lost}",
        f"pairs\t{provenance.genuine_pairs:,} of the same person, {provenance.impostor_pairs:,} of different people",
        f"measured to\t{result.curve.measured_to:.4f}",
        f"equal error rate\t{result.equal_error_rate:.4f}",
    ]
    lines += [f"FNMR at FMR {fmr:.0e}\t{point.fnmr:.4f}" for fmr, point in result.at_fmr]
    if result.accuracy is not None:
        mean, error = result.accuracy.mean, result.accuracy.standard_error
        lines.append(f"accuracy over {result.accuracy.folds} folds\t{100 * mean:.2f} % +- {100 * error:.2f}")
    return lines


def shortfalls(result: CalibrationResult) -> list[str]:
    """One line for each score that the set is too small for."""
    from senseid_engine.calibration.fit import LEAST_PAIRS

    has = f"the set has {result.curve.provenance.impostor_pairs:,}"
    return [
        f"{row.score} needs {LEAST_PAIRS / false_match_rate(row.score):,.0f} pairs of different people, {has}:"
        " extrapolated"
        for row in result.curve.provenance.rates
        if row.score > result.curve.measured_to
    ]


def _row(row: RateRow, result: CalibrationResult) -> shapes.RatesOfScore:
    held_out = row.held_out
    return {
        "score": row.score,
        "promised_fmr": false_match_rate(row.score),
        "fmr": _rate(row.fmr),
        "held_out_fmr": {
            "mean": None if held_out is None else held_out.mean,
            "lowest": None if held_out is None else held_out.lowest,
            "highest": None if held_out is None else held_out.highest,
        },
        "fnmr": _rate(row.fnmr),
        "extrapolated": row.score > result.curve.measured_to,
    }


def _rate(rate: Rate) -> shapes.MeasuredRate:
    return {
        "value": rate.value,
        "events": rate.events,
        "pairs": rate.pairs,
        "binomial_low": rate.binomial.low,
        "binomial_high": rate.binomial.high,
        "by_person_low": rate.by_person.low,
        "by_person_high": rate.by_person.high,
    }


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}_")
        else:
            yield f"{prefix}{name}", value


def _cells(row: RateRow, result: CalibrationResult) -> list[str]:
    other = row.held_out
    return [
        f"{row.score}",
        f"{false_match_rate(row.score):.0e}",
        f"{row.fmr.value:.2e}",
        f"{row.fmr.by_person.low:.1e} .. {row.fmr.by_person.high:.1e}",
        f"{other.mean:.2e} ({other.lowest:.1e} .. {other.highest:.1e})" if other else "-",
        f"{row.fnmr.value:.4f}",
        f"{row.fnmr.by_person.low:.4f} .. {row.fnmr.by_person.high:.4f}",
        "extrapolated" if row.score > result.curve.measured_to else "measured",
    ]
