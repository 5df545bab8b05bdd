"""The pages of the documentation: how they begin, where they lead, and the site that is made of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from senseid.command_shapes import RESULTS, schema_of_command

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"([^\"]+)\"")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_opens_with_what_it_is_for_in_two_lines(page: Path) -> None:
    title, blank, *lines = page.read_text("utf-8").split("\n")
    opening = lines[: lines.index("")]
    assert title.startswith("# ")
    assert blank == ""
    assert 1 <= len(opening) <= 2
    assert opening[0][0].isalpha() or opening[0][0] == "`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_link_leads_to_a_file_that_is_there(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if not link.startswith(("https:", "#")):
            target = (page.parent / link.partition("#")[0]).resolve()
            assert target.is_relative_to(ROOT)
            assert target.is_file(), link


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as strictly as `make docs` does."""
    pytest.importorskip("sphinx")
    out = tmp_path_factory.mktemp("docs") / "site"
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "make_site.py", "--out", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_every_page_is_on_the_site(site: Path) -> None:
    made = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    assert {page.relative_to(DOCS).with_suffix("") for page in PAGES} - {Path("README")} <= made
    library = (site / "reference" / "library.html").read_text("utf-8")
    assert "senseid.Senseid.compare" in library
    http = (site / "reference" / "http.html").read_text("utf-8")
    assert "/liveness/silent_detection/stateless" in http


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loaded = {link for page in pages for link in LOADED.findall(page.read_text("utf-8"))}
    assert len(loaded) > 10
    assert not [link for link in loaded if link.startswith(("http:", "https:", "//"))]
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", style.read_text("utf-8")), style


@pytest.mark.slow
def test_the_site_has_the_schemas(site: Path) -> None:
    found = {json.loads(path.read_text("utf-8")).get("title") for path in site.rglob("*.json")}
    assert {schema_of_command(command)["title"] for command in RESULTS} <= found


@pytest.mark.slow
def test_the_search_works_from_a_folder(site: Path, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("not installed: chromium")
    words = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=20000",
    )
    address = f"{(site / 'search.html').as_uri()}?q=threshold"
    done = subprocess.run([chromium, *words, "--dump-dom", address], capture_output=True, text=True, check=True)
    results = re.findall(r'<li class="[^"]*kind-[^"]*"[^>]*>\s*<a href="([^"?]+)', done.stdout)
    assert any(result.endswith("threshold.html") for result in results), results
