"""The demo page of the service: three files without a build step, served at `/` if `--ui` is on.

The page may load nothing from elsewhere, run no inline script, and be shown in no frame: it handles face images and a
key.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        "media-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
"""Headers of all its answers."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page.

    Attributes:
        content_type: value of the Content-Type header.
        data: its bytes.
    """

    content_type: str
    data: bytes


def read_page() -> dict[str, PageFile]:
    """Every file of the page by its path on the server."""
    folder = files(__name__)
    return {path: PageFile(kind, (folder / name).read_bytes()) for path, (name, kind) in _FILES.items()}
