"""Shared by the HTML reports: one page that needs no other file and runs no script, and small pictures for it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image as Pillow

THUMBNAIL = 112
"""Longer side of a picture on a page, in pixels."""

_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1e2228; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem; border-bottom: 1px solid #dde1e7; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
img { display: block; border-radius: 4px; }
"""


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

    def sentence(self) -> str:
        """What the page holds, HTML."""
        of = f", {self.opened} of them of encrypted photos" if self.opened else ""
        left = f" {self.hidden} pictures of encrypted photos are left out." if self.hidden else ""
        holds = f"This page holds {self.shown} pictures of people, unencrypted{of}." if self.shown else ""
        return f"<p>{holds}{left}</p>\n" if holds or left else ""


def document(title: str, body: str, style: str) -> str:
    """Make the page.

    Args:
        title: plain text; it is escaped here.
        body: HTML in which all untrusted text is escaped already.
        style: CSS in addition to that of all reports.
    """
    shown = escape(printable(title))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # Even a file name that got past the escaping could load and run nothing.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{shown}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        f"<h1>{shown}</h1>\n{body}</body>\n</html>\n"
    )


def small_jpeg(picture: Pillow.Image) -> bytes:
    """Encode a picture as a small JPEG."""
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85)
    return data.getvalue()


def image_tag(jpeg: bytes) -> str:
    """The tag of a JPEG inside the page; empty for empty bytes."""
    if not jpeg:
        return ""
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode("ascii")}">'
