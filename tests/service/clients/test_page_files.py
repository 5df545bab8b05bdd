"""The files of the page, without a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from senseid_service.page import HEADERS, read_page

if TYPE_CHECKING:
    from tests.service.conftest import Service


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    page = read_page()
    html = page["/"].data.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", html)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    scripts = {name: file.data.decode() for name, file in page.items() if name.endswith(".js")}
    imported = [name for script in scripts.values() for name in re.findall(r'from "\./([^"]+)"', script)]
    assert {f"/{name}" for name in loaded + imported if not name.startswith(("data:", "#"))} == set(page) - {"/"}
    for script in (text.replace("http://www.w3.org/2000/svg", "") for text in scripts.values()):  # a namespace's name
        assert not re.search(r"https?:|import\(|eval\(|innerHTML|document\.write|localStorage|cookie", script)


def test_the_headers_allow_nothing_else() -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [("ink", "card"), ("soft", "card"), ("soft", "ground"), ("accent", "card"), ("on-accent", "accent"),
     ("yes", "card"), ("no", "card"), ("ink", "warn-ground")],
)  # fmt: skip
def test_text_can_be_read(ink: str, ground: str, scheme: int) -> None:
    css = read_page()["/page.css"].data.decode()
    colours = {
        name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", css)
    }
    dark, light = sorted(luminance(colours[name][scheme]) for name in (ink, ground))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.slow
def test_its_policy_is_strict(site: Service) -> None:
    for path in ("/", "/page.js", "/page.css", "/session.js"):
        headers = site.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["cross-origin-opener-policy"] == "same-origin"
