"""What is dropped and pasted, and what cannot work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.service.clients.page.browser import Page, browser_needed
from tests.service.conftest import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.clients.conftest import Media

pytestmark = [browser_needed, pytest.mark.slow]


GIVE = """
const [kind, css, names] = arguments;
const done = arguments[arguments.length - 1];
const sample = async (number) => (await fetch(`page/samples/${number}`)).blob();
Promise.all(names.map(async (name, index) => new File([await sample(index)], name, { type: 'image/jpeg' })))
  .then((files) => {
    const given = new DataTransfer();
    for (const file of files) given.items.add(file);
    const event = kind === 'paste'
      ? new ClipboardEvent(kind, { clipboardData: given, bubbles: true, cancelable: true })
      : new DragEvent(kind, { dataTransfer: given, bubbles: true, cancelable: true });
    document.querySelector(css).dispatchEvent(event);
    done(event.defaultPrevented);
  });
"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_drop_and_paste(page: Page, kind: str) -> None:
    def taken() -> list[bool]:
        return [found.is_displayed() for found in page.all("#compare .preview")]

    def give(css: str, *names: str) -> bool:
        return bool(page.browser.execute_async_script(GIVE, kind, css, names))

    # A field that is empty takes what comes to the page as a whole.
    page.open("compare")
    assert give("body", "one.jpg")
    assert taken() == [True, False]
    assert give("body", "two.jpg")
    assert taken() == [True, True]
    assert page.find("#announce").get_attribute("textContent") == "Second photo: two.jpg"
    # The field that has the focus, or under the pointer, goes first.
    page.find("#compare .picker:first-child .use-camera").send_keys("")
    page.run("document.querySelector('#compare .picker:first-child .use-camera').focus()")
    assert give("#compare .picker:first-child", "three.jpg")
    assert page.find("#announce").get_attribute("textContent") == "First photo: three.jpg"
    # Two at once.
    page.open("omni")
    assert give("body", "one.jpg", "two.jpg")
    assert [found.is_displayed() for found in page.all("#omni .preview")] == [True, True]
    page.go("omni")
    assert page.answer("omni")["code"] == 1000


def test_a_refusal_says_which_photo(page: Page, media: Media, faceless: Path) -> None:
    page.choose("compare", media.one, faceless)
    text = page.go("compare")
    assert page.verdict("compare") == ("refused", "Second photo: no face found")
    assert page.answer("compare")["request_id"] in text
    first, second = page.all("#compare .picker")
    assert "wrong" not in (first.get_attribute("class") or "")
    assert "wrong" in (second.get_attribute("class") or "")
    field = second.find_element("css selector", "input")
    assert field.get_attribute("aria-invalid") == "true"
    described = page.run(
        "return document.getElementById(arguments[0]).textContent", field.get_attribute("aria-describedby")
    )
    assert described.startswith("No face is found")
    # It is gone with the photo.
    page.choose("compare", media.one, media.same)
    assert "wrong" not in (second.get_attribute("class") or "")


def test_another_key_is_explained(page: Page, media: Media) -> None:
    kept = page.run("return sessionStorage.getItem('senseid')")
    page.find("#forget-session").click()
    page.type_key(key=KEY.secret.decode()[::-1])
    page.choose("quality", media.one)
    text = page.go("quality")
    assert page.verdict("quality") == ("refused", "Photo: not readable")
    assert "Code 1200" in text
    page.run("sessionStorage.setItem('senseid', arguments[0])", kept)


def test_nothing_is_sent_without_a_key_or_a_photo(page: Page, media: Media) -> None:
    kept = page.run("return sessionStorage.getItem('senseid')")
    page.find("#forget-session").click()
    page.run(
        "window.sent = 0; const ask = window.fetch;"
        "window.fetch = (...words) => { window.sent += 1; return ask(...words) }"
    )
    assert page.go("compare").startswith("First photo: choose a file")
    page.choose("compare", media.one, media.same)
    assert page.go("compare").startswith("Enter the key")
    page.type_key(key="too short")
    assert page.go("compare").startswith("The key has 9 characters, it must have 32.")
    assert page.run("return window.sent") == 0
    page.run("sessionStorage.setItem('senseid', arguments[0])", kept)


def test_too_long_a_file_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    (tmp_path / "long.jpg").write_bytes(bytes(5 * 1024 * 1024 + 1))
    page.choose("quality", tmp_path / "long.jpg")
    assert page.go("quality").startswith("Photo: JPEG, PNG, BMP, GIF or TIFF, up to 5 MB. This one has 5.0 MB.")


def test_a_photo_that_the_browser_cannot_show(page: Page, media: Media, tmp_path: Path) -> None:
    with Image.open(media.one) as photo:
        photo.save(tmp_path / "one.tiff")
    page.choose("compare", tmp_path / "one.tiff", media.same)
    page.wait(lambda: "This browser cannot show it" in page.find("#compare .preview").text)
    assert "This browser cannot show this kind of photo." in page.go("compare")
    assert page.verdict("compare") == ("yes", "Match")
    assert len(page.boxes("#compare .face.taken.yes")) == 2
