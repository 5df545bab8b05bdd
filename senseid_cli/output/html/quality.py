"""The quality of many photos as CSV and as one HTML page with thumbnails."""

from __future__ import annotations

import csv
import io
from html import escape
from typing import TYPE_CHECKING

from senseid_cli.output.html.document import document, image_tag, small_jpeg
from senseid_cli.output.quality import value_text
from senseid_cli.output.spreadsheet import safe_cell
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_cli.output.html.document import Faces
    from senseid_cli.output.quality import Judged
    from senseid_engine.quality.results import FaceQuality, QualityReport

CSV_DECIMALS = 6

_STYLE = """
.pass, .measured { color: #14803e; font-weight: 600; }
.fail, .refused { color: #b3261e; font-weight: 600; }
ul { margin: 0; padding-left: 1.1rem; }
"""


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


def thumbnail(report: QualityReport) -> bytes:
    """The largest face of a photo with some margin, as a small JPEG."""
    from PIL import Image as Pillow

    rect = report.faces[0].rect
    margin = max(rect.right - rect.left, rect.bottom - rect.top) // 4
    photo = Pillow.fromarray(report.image.pixels)
    face = photo.crop(
        (
            max(rect.left - margin, 0),
            max(rect.top - margin, 0),
            min(rect.right + margin, photo.width),
            min(rect.bottom + margin, photo.height),
        )
    )
    return small_jpeg(face)


def page(title: str, photos: Sequence[tuple[Judged, bytes]], faces: Faces) -> str:
    """One page that needs no other file and runs nothing.

    Args:
        title: what was measured.
        photos: each with the thumbnail of its largest face, or no bytes.
        faces: what is said about the thumbnails.
    """
    good = sum(judged.verdict in {"pass", "measured"} for judged, _ in photos)
    rows = "".join(_row(judged, picture) for judged, picture in photos)
    body = (
        f"<p>{len(photos)} photos, {good} {_good_word(photos)}.</p>\n{faces.sentence()}"
        "<table>\n<tr><th></th><th>photo</th><th>faces</th><th>overall</th><th>measured</th><th>reasons</th></tr>\n"
        f"{rows}</table>\n"
    )
    return document(title, body, _STYLE)


def _good_word(photos: Sequence[tuple[Judged, bytes]]) -> str:
    return "pass" if any(judged.policy is not None for judged, _ in photos) else "measured"


def _row(judged: Judged, picture: bytes) -> str:
    faces = judged.faces
    reasons = "".join(f"<li>{escape(printable(line))}</li>" for line in judged.reasons)
    return (
        f"<tr><td>{image_tag(picture)}</td>"
        f'<td>{escape(printable(judged.name))}<br><span class="{judged.verdict}">{judged.verdict}</span></td>'
        f'<td class="number">{len(faces)}</td>'
        f'<td class="number">{judged.overall}</td>'
        f"<td>{_measured(faces[0]) if faces else ''}</td>"
        f"<td>{f'<ul>{reasons}</ul>' if reasons else ''}</td></tr>\n"
    )


def _measured(face: FaceQuality) -> str:
    from senseid_engine.quality.policy import MEASURES

    return "<br>".join(
        f"{measure.name} {value_text(measure, measure.value(face))}"
        for measure in MEASURES
        if measure.name != "overall"
    )
