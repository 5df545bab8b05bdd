"""The report of a calibration: what the scores promise and what was measured, the DET curve, what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid.bodies import DEFAULT_THRESHOLD, false_match_rate
from senseid_cli.output import calibration
from senseid_cli.output.html.charts import Axis, Chart, RatePoint, det, percent, rate_axis
from senseid_cli.output.html.document import Cell, count_cell, document, facts, table
from senseid_cli.output.html.markup import Html, join, tag

if TYPE_CHECKING:
    from senseid_engine.calibration.run import CalibrationResult

COLUMNS = (
    "score",
    "promised FMR",
    "FMR",
    "95 % by person",
    "FMR on other people",
    "lowest to highest",
    "FNMR",
    "95 % by person",
    "basis",
)
FIRST_SCORE = 0.3
"""Every stranger reaches it."""


def page(result: CalibrationResult) -> str:
    """The page."""
    made_of = result.curve.provenance
    with_note = tag("p", made_of.note) if made_of.note else None
    return document(
        f"Calibration on {made_of.set_name}",
        _numbers(result),
        with_note,
        tag("p", f"Made on {made_of.made} with the model {made_of.model.id}, seed {made_of.seed}.", class_="note"),
        _shortfalls(result),
        _charts(result),
        _rates(result),
        _at_fmr(result),
        _left_out(result),
    )


def _numbers(result: CalibrationResult) -> Html:
    made_of = result.curve.provenance
    lost = made_of.photos_without_face + made_of.photos_refused
    why = f"{made_of.photos_without_face:,} without a face, {made_of.photos_refused:,} refused" if lost else ""
    at = next(row for row in made_of.rates if row.score == DEFAULT_THRESHOLD)
    named: list[tuple[str, object, str]] = [
        ("people", f"{made_of.people:,}", ""),
        ("photos", f"{made_of.photos:,}", ""),
        ("left out", f"{lost:,}", why),
        ("pairs of the same person", f"{made_of.genuine_pairs:,}", ""),
        ("pairs of different people", f"{made_of.impostor_pairs:,}", ""),
        ("measured to", f"{result.curve.measured_to:.4f}", "scores above are extrapolated"),
        (
            f"FMR at {DEFAULT_THRESHOLD}",
            _seen(at.held_out.mean if at.held_out else at.fmr.value),
            f"{'on other people; ' if at.held_out else ''}promised {percent(false_match_rate(DEFAULT_THRESHOLD))}",
        ),
        (
            f"FNMR at {DEFAULT_THRESHOLD}",
            _seen(at.fnmr.value),
            f"{percent(at.fnmr.by_person.low)} to {percent(at.fnmr.by_person.high)}",
        ),
        ("equal error rate", percent(result.equal_error_rate), ""),
    ]
    if result.accuracy is not None:
        error = f"+- {100 * result.accuracy.standard_error:.2f} over {result.accuracy.folds} folds"
        named.append(("accuracy", f"{100 * result.accuracy.mean:.2f} %", error))
    return facts(*named)


def _shortfalls(result: CalibrationResult) -> Html:
    return join(*(tag("p", f"The score {line}.", class_="bad") for line in calibration.shortfalls(result)))


def _charts(result: CalibrationResult) -> Html:
    made_of = result.curve.provenance
    points = [RatePoint(point.fmr, point.fnmr) for point in result.det]
    marks = {row.score: RatePoint(row.fmr.value, row.fnmr.value) for row in made_of.rates}
    threshold = (f"threshold {DEFAULT_THRESHOLD}", marks.pop(DEFAULT_THRESHOLD))
    others = [(f"{score}", point) for score, point in marks.items()]
    chart, said = det(points, threshold, made_of.genuine_pairs, made_of.impostor_pairs, others)
    shared = "Pairs share people, so they are not: the intervals of the table know of that."
    return join(
        tag("h2", "Error rates"),
        tag("div", _promise(result), chart, class_="charts"),
        tag("p", f"{said} {shared}", class_="note"),
    )


def _promise(result: CalibrationResult) -> Html:
    """Draw the promise of each score as a line, and what was measured as dots with their intervals."""
    rows = result.curve.provenance.rates
    ticks = tuple((row.score, f"{row.score}") for row in rows)
    chart = Chart(
        "Strangers who reach a score: the line is promised, dots are measured",
        Axis("score", FIRST_SCORE, 1, ticks),
        rate_axis("false-match rate", false_match_rate(rows[-1].score)),
    )
    ends = (FIRST_SCORE, rows[-1].score)
    chart.curve([(score, false_match_rate(score)) for score in ends], "other", "promised")
    chart.limit(DEFAULT_THRESHOLD, f"threshold {DEFAULT_THRESHOLD}")
    for row in rows:
        chart.span(row.score, row.fmr.by_person.low, row.fmr.by_person.high, "plain")
        chart.dot(row.score, row.held_out.mean if row.held_out else row.fmr.value, radius=4)
    chart.key("measured, on other people where the set is large enough", "mark")
    chart.key("95 % by person", "plain")
    return chart.figure()


def _rates(result: CalibrationResult) -> Html:
    rows: list[list[Cell | str]] = []
    for row in result.curve.provenance.rates:
        promised, other = false_match_rate(row.score), row.held_out
        rows.append(
            [
                Cell(f"{row.score}", row.score),
                Cell(percent(promised), promised),
                Cell(_seen(row.fmr.value), row.fmr.value),
                _interval(row.fmr.by_person.low, row.fmr.by_person.high),
                Cell(_seen(other.mean), other.mean) if other else "",
                _interval(other.lowest, other.highest) if other else "",
                Cell(_seen(row.fnmr.value), row.fnmr.value),
                _interval(row.fnmr.by_person.low, row.fnmr.by_person.high),
                Cell(
                    tag("span", "extrapolated" if row.score > result.curve.measured_to else "measured", class_="word")
                ),
            ]
        )
    return join(tag("h2", "Rates by score"), table(COLUMNS, rows))


def _seen(rate: float) -> str:
    return percent(rate) if rate else "none seen"


def _interval(low: float, high: float) -> Cell:
    return Cell(f"{percent(low)} to {percent(high)}", high)


def _at_fmr(result: CalibrationResult) -> Html:
    rows: list[list[Cell | str]] = [
        [
            Cell(percent(fmr), fmr),
            Cell(percent(point.fnmr), point.fnmr),
            Cell(f"{result.curve.score(point.z):.4f}", result.curve.score(point.z)),
        ]
        for fmr, point in result.at_fmr
    ]
    title = tag("h2", "FNMR at a given FMR")
    return join(title, table(["false-match rate", "false-non-match rate", "score"], rows)) if rows else Html()


def _left_out(result: CalibrationResult) -> Html:
    if not result.unusable:
        return Html()
    rows: list[list[Cell | str]] = [
        [count_cell(number), photo.name, "no face is found" if photo.no_face else photo.problem]
        for number, photo in enumerate(result.unusable, 1)
    ]
    return join(tag("h2", "Photos that were left out"), table(["", "photo", "why"], rows))
