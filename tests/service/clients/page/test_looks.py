"""The page by keyboard, for a screen reader, at every width, and ten screens as pictures."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops, ImageDraw

from tests.golden import skip_with_another_font
from tests.service.clients.page.browser import Page, browser_needed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service.clients.conftest import Media

GOLDEN = Path(__file__).parent / "golden"
MOST_DIFFERENT = 0.01
SEEN = 24


@browser_needed
@pytest.mark.slow
def test_by_keyboard(page: Page, media: Media) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.find("#tab-compare").send_keys(Keys.ARROW_RIGHT)
    assert page.find("#tab-omni").get_attribute("aria-selected") == "true"
    assert page.find("#omni").is_displayed()
    assert not page.find("#compare").is_displayed()
    page.find("#tab-omni").send_keys(Keys.END)
    assert page.find("#liveness").is_displayed()
    page.find("#tab-liveness").send_keys(Keys.ARROW_RIGHT)
    assert page.find("#compare").is_displayed()
    # On from the tab: everything of the form is reached, in the order in which it stands there, and has a name.
    page.choose("compare", media.one, media.same)
    page.find("#tab-compare").send_keys("")
    page.run("document.querySelector('#tab-compare').focus()")
    reached: list[str] = []
    name = (
        "const e = document.activeElement;"
        "return e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent.trim() ?? e.textContent.trim()"
    )
    while not reached or reached[-1] != "Compare":
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached.append(page.run(name))
        assert reached[-1], reached
        assert len(reached) < 40, reached
    assert reached[1:3] == ["Camera: First photo", "Remove: First photo"]
    assert [each.split("\n")[0] for each in reached[-4:]] == [
        "Threshold", "Turn a sideways photo upright", "Refuse a covered face", "Compare",
    ]  # fmt: skip
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    page.result("compare")
    assert page.verdict("compare") == ("yes", "Match")
    # The result has the focus: a screen reader goes on there.
    assert page.run("return document.activeElement.className") == "card result"


@browser_needed
@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, media: Media, two_people: Path, faceless: Path, scheme: str) -> None:
    try:
        page.dress(scheme)
        for width in (1280, 360):
            page.resize(width)
            for tab in ("compare", "omni", "quality", "liveness"):
                page.open(tab)
                assert page.accessibility_findings() == [], (tab, width)
        for tab, files in (
            ("compare", (two_people, media.same)), ("omni", (two_people, media.same)), ("quality", (media.large,)),
            ("liveness", (media.still, media.one)), ("compare", (media.one, faceless)),
        ):  # fmt: skip
            page.choose(tab, *files)
            page.go(tab)
            assert page.accessibility_findings() == [], tab
    finally:
        page.as_before()


@browser_needed
@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 768, 1400])
def test_it_fits(page: Page, media: Media, two_people: Path, width: int) -> None:
    fits = "return document.documentElement.scrollWidth"
    try:
        page.resize(width)
        for tab, files in (
            ("compare", (two_people, media.same)), ("omni", (two_people, two_people)), ("quality", (media.large,)),
            ("liveness", (media.still, media.one)),
        ):  # fmt: skip
            page.choose(tab, *files)
            assert page.run(fits) <= width
            page.go(tab)
            page.keep_picture(f"{tab}-{width}")
            assert page.run(fits) <= width
            assert page.run("const t = document.querySelector('.tabs'); return t.scrollWidth - t.clientWidth") <= 0
    finally:
        page.as_before()


def first_screen(page: Page, _: Path) -> None:
    """At the left two fields for photos, then threshold, options and button; at the right the place of the result."""
    page.open("compare")


def many_faces(page: Page, _: Path) -> None:
    """As the first screen, with the second tab chosen and one option less."""
    page.open("omni")


def quality_of_a_photo(page: Page, _: Path) -> None:
    """One field, the choice between two purposes, the button; the place of the result below or at the right."""
    page.open("quality")


def liveness_of_a_video(page: Page, _: Path) -> None:
    """A field for a video and one for a photo, which is optional, and the button."""
    page.open("liveness")


def no_photo(page: Page, _: Path) -> None:
    """The first field with a red border and what is missing in red; an amber banner with a triangle as the result."""
    page.open("compare")
    page.go("compare")


def no_face(page: Page, faceless: Path) -> None:
    """A drawing in the field, which has a red border; an amber banner that no face was found, and the code."""
    page.choose("quality", faceless)
    page.go("quality")


def no_key(page: Page, _: Path) -> None:
    """An amber state in the header, and a card above the tabs that says how to open the page or takes three secrets."""
    page.open("compare")
    page.find("#forget-session").click()


SCREENS = [
    (first_screen, 1280, "light"), (first_screen, 1280, "dark"), (first_screen, 360, "light"),
    (many_faces, 1280, "light"), (quality_of_a_photo, 360, "dark"), (liveness_of_a_video, 1280, "dark"),
    (no_photo, 360, "light"), (no_face, 1280, "light"), (no_face, 360, "dark"), (no_key, 1280, "light"),
]  # fmt: skip


@browser_needed
@pytest.mark.slow
@pytest.mark.parametrize(("show", "width", "scheme"), SCREENS)
def test_it_looks_as_it_did(
    page: Page, faceless: Path, show: Callable[[Page, Path], None], width: int, scheme: str
) -> None:
    """Each screen is described at its function. SENSEID_GOLDEN=write takes the pictures anew: look at them."""
    skip_with_another_font()
    kept = page.run("return sessionStorage.getItem('senseid')")
    # Photos of people are not committed.
    page.run("for (const found of document.querySelectorAll('.samples, .try')) found.hidden = true")
    try:
        page.dress(scheme)
        page.resize(width)
        show(page, faceless)
        page.run("document.activeElement.blur()")
        page.resize(width, page.run("return document.documentElement.scrollHeight"))
        time.sleep(0.3)
        picture = Image.open(io.BytesIO(page.browser.get_screenshot_as_png())).convert("RGB")
    finally:
        page.as_before()
        page.run("sessionStorage.setItem('senseid', arguments[0])", kept)
    path = GOLDEN / f"{show.__name__}-{width}-{scheme}.png"
    if os.environ.get("SENSEID_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        picture.quantize(48).save(path, optimize=True)
    with Image.open(path) as golden:
        assert share_that_differs(picture, golden.convert("RGB")) < MOST_DIFFERENT


def test_what_a_difference_is() -> None:
    """A button elsewhere is one; letters that another release of the browser draws a pixel further are none."""
    with Image.open(GOLDEN / "first_screen-1280-light.png") as golden:
        picture = golden.convert("RGB")
    assert share_that_differs(picture, picture) == 0
    assert share_that_differs(ImageChops.offset(picture, 1, 1), picture) < MOST_DIFFERENT
    changed = picture.copy()
    ImageDraw.Draw(changed).rectangle([600, 300, 900, 345], fill=(36, 86, 201))
    assert share_that_differs(changed, picture) > MOST_DIFFERENT
    with Image.open(GOLDEN / "many_faces-1280-light.png") as other:
        assert share_that_differs(other.convert("RGB"), picture) > MOST_DIFFERENT


def share_that_differs(one: Image.Image, other: Image.Image) -> float:
    """The share of squares of 16 pixels whose mean colour differs, of what both show; 1 where their sizes do."""
    if one.width != other.width or abs(one.height - other.height) > 0.03 * other.height:
        return 1
    size = (one.width, min(one.height, other.height))
    small = (size[0] // 16, size[1] // 16)
    squares = [each.crop((0, 0, *size)).resize(small, Image.Resampling.BOX) for each in (one, other)]
    apart = ImageChops.difference(*squares).convert("L").tobytes()
    return sum(value > SEEN for value in apart) / len(apart)
