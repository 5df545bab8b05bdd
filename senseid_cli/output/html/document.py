"""Shared by the HTML reports: one page that needs no other file, its tables, and small pictures for it."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from senseid_cli.output.html.markup import Html, join, tag
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PIL import Image as Pillow

    from senseid_cli.output.drawing.palette import Colour

UNSORTED = "!"
THUMBNAIL = 112
"""Longer side of a picture on a page, in pixels."""


@dataclass(slots=True)
class Faces:
    """The pictures of a page, which is not encrypted: those of encrypted photos are left out, unless asked for.

    Attributes:
        plain: whether they are asked for.
        shown: pictures on the page.
        opened: those of them that are of encrypted photos.
        hidden: pictures that were left out.
    """

    plain: bool
    shown: int = 0
    opened: int = 0
    hidden: int = 0

    def show(self, make: Callable[[], bytes], *, encrypted: bool) -> bytes:
        """The picture that `make` gives; no bytes where it is left out."""
        if encrypted and not self.plain:
            self.hidden += 1
            return b""
        self.shown += 1
        self.opened += encrypted
        return make()

    def sentence(self) -> Html:
        """The content of the page."""
        of = f", {self.opened} of them of encrypted photos" if self.opened else ""
        left = f" {self.hidden} pictures of encrypted photos are left out." if self.hidden else ""
        holds = f"This page holds {self.shown} pictures of people, unencrypted{of}." if self.shown else ""
        return tag("p", f"{holds}{left}".strip(), class_="note") if holds or left else Html()


def document(title: str, *body: object) -> str:
    """Make the page.

    Args:
        title: plain text.
        body: pieces; what is no `Html` is escaped.
    """
    script = _file("tables.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Even a file name that got past the escaping could load nothing, and run nothing but that one script.
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("style", _file("style.css")),
    )
    page = join(tag("head", head), tag("body", tag("h1", title), *body, tag("script", script)))
    return f"<!DOCTYPE html>\n{tag('html', page, lang='en')}\n"


@cache
def _file(name: str) -> Html:
    return Html(resources.files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8"))


def facts(*named: tuple[str, object, str]) -> Html:
    """The numbers that come first: what each is, its value, and what it means in a few words."""
    pieces = (
        tag("div", tag("dt", name), tag("dd", value, tag("small", meaning) if meaning else None))
        for name, value, meaning in named
    )
    return tag("dl", *pieces, class_="facts")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        shown: its content; what is no `Html` is escaped.
        value: a number that it is sorted by and aligned as; None: it is text, and sorted as such.
    """

    shown: object
    value: float | None = None


def count_cell(number: int) -> Cell:
    """A cell with a whole number."""
    return Cell(f"{number:,}", number)


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell | str]], caption: str = "") -> Html:
    """A table that can be sorted and filtered where scripts run, and is whole where they do not.

    On a narrow screen each row is a card, whose cells are labelled with the names of the columns.

    Args:
        columns: their names. One that begins with `UNSORTED` is not offered for sorting.
        rows: at least one, with a cell for each column.
        caption: what stands above.
    """
    heads = [
        tag(
            "th",
            column.removeprefix(UNSORTED),
            scope="col",
            class_="number" if any(_is_number(row[place]) for row in rows) else None,
            data_unsorted="" if column.startswith(UNSORTED) else None,
        )
        for place, column in enumerate(columns)
    ]
    body = [join(Html("\n"), tag("tr", *map(_cell, columns, row))) for row in rows]
    above = tag("caption", caption) if caption else None
    whole = tag("table", above, tag("thead", tag("tr", *heads)), tag("tbody", *body), class_="rows")
    return tag("div", whole, class_="scroll")


def _is_number(cell: Cell | str) -> bool:
    return isinstance(cell, Cell) and cell.value is not None


def _cell(column: str, cell: Cell | str) -> Html:
    column = column.removeprefix(UNSORTED)
    if isinstance(cell, str):
        return tag("td", cell, data_label=column)
    return tag(
        "td", cell.shown, class_="number" if _is_number(cell) else None, data_label=column, data_value=cell.value
    )


def bullets(lines: Iterable[str]) -> Html:
    """Lines as a list; nothing where there is none."""
    items = [tag("li", line) for line in lines]
    return tag("ul", *items) if items else Html()


def small_jpeg(picture: Pillow.Image, rects: Iterable[Rect] = (), colour: Colour | None = None) -> bytes:
    """Encode a picture as a small JPEG.

    Args:
        picture: uint8, RGB; it is made smaller in place.
        rects: boxes that are drawn, in pixels of the picture.
        colour: of the boxes; blue if unset.
    """
    from PIL import ImageDraw

    from senseid_cli.output.drawing.palette import OTHER, WHITE, place_box

    whole = picture.width
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    draw = ImageDraw.Draw(picture)
    for rect in rects:
        box = place_box(rect, picture.width / whole, 0, 0)
        draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=WHITE, width=1)
        draw.rectangle(box, outline=colour or OTHER, width=2)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85)
    return data.getvalue()


def small_face(pixels: object, rects: Sequence[Rect], colour: Colour | None = None) -> bytes:
    """Encode the first face of a photo with its box and a margin, which other boxes may reach into, as a small JPEG.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        rects: of the faces; the whole photo is shown where there is none.
        colour: of the boxes.
    """
    from PIL import Image as Pillow

    photo = Pillow.fromarray(pixels)  # type: ignore[arg-type]
    if not rects:
        return small_jpeg(photo)
    face = rects[0]
    margin = max(face.right - face.left, face.bottom - face.top) * 2 // 5
    left, top = max(face.left - margin, 0), max(face.top - margin, 0)
    part = photo.crop((left, top, min(face.right + margin, photo.width), min(face.bottom + margin, photo.height)))
    moved = [Rect(rect.left - left, rect.top - top, rect.right - left, rect.bottom - top) for rect in rects]
    return small_jpeg(part, moved, colour)


def image_tag(jpeg: bytes) -> Html:
    """The tag of a JPEG inside the page; nothing for no bytes."""
    if not jpeg:
        return Html()
    return tag("img", alt="", src=f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}")
