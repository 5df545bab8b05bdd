"""The page of the service: files without a build step, served at `/` if `--ui` is on.

The page may load nothing from elsewhere, run no inline script, and be shown in no frame: it handles face images and a
key.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_INDEX: Final = "index.html"
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
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
    found = {}
    for file in files(__name__).iterdir():
        kind = _TYPES.get(PurePath(file.name).suffix)
        if kind is not None:
            found["/" if file.name == _INDEX else f"/{file.name}"] = PageFile(kind, file.read_bytes())
    return found
