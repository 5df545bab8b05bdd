"""The quality of many photos as CSV and as one HTML page: what passed, what did not and why, and every photo."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

from senseid.tables.spreadsheet import safe_cell
from senseid_cli.output.html.charts import Chart, bars, count_axis, percent, score_axis
from senseid_cli.output.html.document import (
    Cell,
    bullets,
    count_cell,
    document,
    facts,
    image_tag,
    small_face,
    table,
)
from senseid_cli.output.html.markup import Html, join, tag
from senseid_cli.output.quality import value_text
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from senseid_cli.output.html.document import Faces
    from senseid_cli.output.quality import Judged
    from senseid_engine.quality.results import QualityReport

CSV_DECIMALS = 6

BINS = 20
MOST_BARS = 12
WORST = 3


def csv_header() -> list[str]:
    """The columns of the CSV."""
    from senseid_engine.quality.policy import MEASURES

    names = [measure.name for measure in MEASURES]
    return ["photo", "verdict", "faces", "face", "left", "top", "right", "bottom", *names, "reasons"]


def csv_text(photos: Sequence[Judged]) -> str:
    """One row per face, with the verdict on its photo; one row without values for a refused photo."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(csv_header())
    for judged in photos:
        writer.writerows(_rows(judged))
    return text.getvalue()


def _rows(judged: Judged) -> Iterator[list[str]]:
    from senseid_engine.quality.policy import MEASURES

    # A path means the same with "./" before it, and is then not a formula.
    name = f"./{judged.name}" if judged.name.startswith(("=", "+", "-", "@")) else judged.name
    name = safe_cell(printable(name))
    reasons = safe_cell(printable("; ".join(judged.reasons)))
    if not judged.faces:
        yield [name, judged.verdict, "0", *[""] * (5 + len(MEASURES)), reasons]
    for number, face in enumerate(judged.faces, 1):
        values = [f"{measure.value(face):.{CSV_DECIMALS}f}" for measure in MEASURES]
        rect = [str(side) for side in face.rect.as_list()]
        yield [name, judged.verdict, str(len(judged.faces)), str(number), *rect, *values, reasons]


def thumbnail(report: QualityReport, judged: Judged) -> bytes:
    """The largest face of a photo with its box, green where the photo is good, and some margin, as a small JPEG."""
    from senseid_cli.output.drawing.palette import BAD, GOOD

    rects = [face.rect for face in report.faces]
    return small_face(report.image.pixels, rects, GOOD if judged.passes else BAD)


def page(title: str, photos: Sequence[tuple[Judged, bytes]], faces: Faces) -> str:
    """The page.

    Args:
        title: what was measured.
        photos: each with the thumbnail of its largest face, or no bytes.
        faces: what is said about the thumbnails.
    """
    judged = [photo for photo, _ in photos]
    return document(
        title, _numbers(judged), _worst(judged), faces.sentence(), _charts(judged), _groups(judged), _table(photos)
    )


def _numbers(photos: Sequence[Judged]) -> Html:
    count, good = len(photos), sum(judged.passes for judged in photos)
    refused = [judged for judged in photos if judged.refusal is not None]
    policy = next((judged.policy for judged in photos if judged.policy is not None), None)
    named: list[tuple[str, object, str]] = [("photos", f"{count:,}", "")]
    if policy is not None:
        fail = count - good - len(refused)
        named.append(("pass", f"{good:,}", f"{percent(good / count)} by the policy {policy.name}" if count else ""))
        named.append(("fail", f"{fail:,}", ""))
    else:
        named.append(("measured", f"{good:,}", ""))
    named.append(("refused", f"{len(refused):,}", "no face, or no photo" if refused else ""))
    return facts(*named)


def _worst(photos: Sequence[Judged]) -> Html:
    """In a sentence each: why photos fail or are refused, and which folders come off worst."""
    pieces: list[Html] = []
    refusals = _ranked("; ".join(judged.reasons) for judged in photos if judged.refusal is not None)
    if refusals:
        listed = ", ".join(f"{reason} ({count:,})" for reason, count in refusals[:WORST])
        pieces.append(tag("p", f"Refused most often: {listed}."))
    failures = _failures(photos)
    if failures:
        listed = ", ".join(f"{measure} ({count:,})" for measure, count in failures[:WORST])
        pieces.append(tag("p", f"Photos fail most often by: {listed}."))
    worst = [(name, bad / count, count) for name, (bad, count) in _folders(photos) if bad][:WORST]
    if worst:
        listed = ", ".join(f"{name} ({percent(share)} of {count:,})" for name, share, count in worst)
        pieces.append(tag("p", f"Worst folders, by the share of photos that fail or are refused: {listed}."))
    return join(*pieces)


def _failures(photos: Sequence[Judged]) -> list[tuple[str, int]]:
    """How many photos fall short in each measure, the most first."""
    return _ranked(name for judged in photos for name in {failure.measure for failure in judged.failures})


def _ranked(words: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(words).items(), key=lambda entry: (-entry[1], entry[0]))


def _folders(photos: Sequence[Judged]) -> list[tuple[str, tuple[int, int]]]:
    """Bad photos, and photos, of each folder, the worst first; nothing where all photos lie in one."""
    folders: dict[str, tuple[int, int]] = {}
    for judged in photos:
        name = judged.name.rpartition("/")[0] or "."
        bad, count = folders.get(name, (0, 0))
        folders[name] = bad + (not judged.passes), count + 1
    if len(folders) < 2:
        return []
    return sorted(folders.items(), key=lambda entry: (-entry[1][0] / entry[1][1], entry[0]))


def _charts(photos: Sequence[Judged]) -> Html:
    overall = [judged.faces[0].overall for judged in photos if judged.faces]
    if not overall:
        return tag("p", "No photo was measured, so there are no charts.", class_="note")
    counts = [0] * BINS
    for value in overall:
        counts[min(int(value * BINS), BINS - 1)] += 1
    title = "Photos by the overall quality of the largest face"
    chart = Chart(title, score_axis("overall quality"), count_axis("photos", max(counts)))
    steps = [(edge / BINS, float(count)) for i, count in enumerate(counts) for edge in (i, i + 1)]
    chart.curve([(0.0, 0.0), *steps, (1.0, 0.0)], "other")
    policy = next((judged.policy for judged in photos if judged.policy is not None), None)
    least = next((limit.least for limit in policy.limits if limit.measure.name == "overall"), 0) if policy else 0
    if least > 0:
        chart.limit(least, f"passes from {least:g} on")
    pieces = [chart.figure()]
    failures = _failures(photos)
    if failures:
        pieces.append(bars("Photos that fall short, by measure", failures[:MOST_BARS]))
    return join(tag("h2", "Quality"), tag("div", *pieces, class_="charts"))


def _groups(photos: Sequence[Judged]) -> Html:
    rows: list[list[Cell | str]] = [
        [name, count_cell(count), count_cell(bad), Cell(percent(bad / count), bad / count)]
        for name, (bad, count) in _folders(photos)
    ]
    columns = ["folder", "photos", "fail or refused", "share"]
    return join(tag("h2", "Folders, the worst first"), table(columns, rows)) if rows else Html()


def _table(photos: Sequence[tuple[Judged, bytes]]) -> Html:
    from senseid_engine.quality.policy import MEASURES

    seen = any(picture for _, picture in photos)
    measures = [measure for measure in MEASURES if measure.name != "overall"]
    rows: list[list[Cell | str]] = []
    for judged, picture in photos:
        face = judged.faces[0] if judged.faces else None
        measured = join(
            *(
                join(tag("span", f"{measure.name} {value_text(measure, measure.value(face))}"), Html(" "))
                for measure in measures
                if face is not None
            )
        )
        rows.append(
            [
                *([Cell(image_tag(picture))] if seen else []),
                judged.name,
                Cell(tag("span", judged.verdict, class_=f"word {'good' if judged.passes else 'bad'}")),
                Cell(bullets(judged.reasons)),
                count_cell(len(judged.faces)),
                Cell(judged.overall, face.overall if face else None),
                Cell(tag("div", measured, class_="measured")),
            ]
        )
    columns = [*(["!face"] if seen else []), "photo", "verdict", "reasons", "faces", "overall", "!measured"]
    return join(tag("h2", "Photos"), table(columns, rows))
