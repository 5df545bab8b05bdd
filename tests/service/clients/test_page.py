"""The page in a real browser, headless Chromium, against the real service: with files, and with a camera that is faked.

Set SENSEID_SCREENSHOTS to a folder to keep pictures of what it looks like.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    # A camera that plays a file, and leave to use it.
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    # A name that is not this machine's: what comes from there over plain HTTP is not a secure context.
    "--host-resolver-rules=MAP faces.test 127.0.0.1",
)  # fmt: skip
SECONDS = 60.0

browser_needed = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="not installed: chromium and chromium-driver"
)


# The files.


# In the browser.


@pytest.fixture(scope="module")
def camera(small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees: a person who sways a little, as Motion JPEG, over and over."""
    from PIL import Image, ImageOps

    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with Image.open(io.BytesIO(small_photos["obama"])) as photo:
        fitted = ImageOps.fit(photo.convert("RGB"), (660, 480), centering=(0.5, 0.2))
    frames = []
    for at in (0, 2, 4, 6, 8, 6, 4, 2):
        buffer = io.BytesIO()
        fitted.crop((at, 0, 640 + at, 480)).save(buffer, "JPEG", quality=92)
        frames.append(buffer.getvalue())
    path.write_bytes(b"".join(frames * 4))
    return path


@pytest.fixture(scope="module")
def start_browser(camera: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Chrome]]:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service as Driver

    started: list[Chrome] = []

    def start(*flags: str) -> Chrome:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        folder = tmp_path_factory.mktemp("profile")
        files = (f"--user-data-dir={folder}", f"--use-file-for-fake-video-capture={camera}")
        for flag in (*FLAGS, *files, *flags):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser = webdriver.Chrome(options=options, service=Driver(DRIVER))
        started.append(browser)
        return browser

    yield start
    for browser in started:
        browser.quit()


@pytest.fixture(scope="module")
def browser(start_browser: Callable[..., Chrome]) -> Chrome:
    return start_browser("--window-size=1000,900")


@pytest.fixture
def page(browser: Chrome, site: Service) -> Iterator[Page]:
    """The page, just loaded; at the end the browser must have had nothing to complain about."""
    browser.get(site.url)
    yield Page(browser)
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}]
    # A refusal of the service is a 400, which the browser notes.
    assert [entry for entry in complaints if "the server responded with a status" not in entry["message"]] == []


class Page:
    """What a person does on the page."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def find(self, css: str) -> WebElement:
        return self.browser.find_element("css selector", css)

    def type_key(self, key: str = KEY.secret.decode(), iv: str = KEY.fixed_iv.decode()) -> None:
        self.find("#key").send_keys(key)
        self.find("#iv").send_keys(iv)

    def open(self, tab: str) -> None:
        self.find(f"#tab-{tab}").click()

    def choose(self, tab: str, *files: Path) -> None:
        self.open(tab)
        inputs = self.browser.find_elements("css selector", f"#{tab} input[type=file]")
        for found, file in zip(inputs, files, strict=False):
            found.send_keys(str(file))

    def go(self, tab: str) -> str:
        """Press the button, and read the result."""
        self.find(f"#{tab} form button.go").click()
        self.wait(lambda: self.find(f"#{tab} form button.go").is_enabled())
        self.keep_picture(tab)
        return self.find(f"#{tab} .result").text

    def answer(self, tab: str) -> dict[str, Any]:
        """The body that the service answered, as the page shows it."""
        text = self.find(f"#{tab} .result pre").get_attribute("textContent")
        found = json.loads(text or "")
        assert isinstance(found, dict)
        return found

    def wait(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, "it did not come true in time"
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        return self.browser.execute_script(script)

    def keep_picture(self, name: str) -> None:
        folder = os.environ.get("SENSEID_SCREENSHOTS")
        if folder:
            self.browser.save_screenshot(str(Path(folder) / f"{name}-{time.monotonic_ns()}.png"))


@browser_needed
@pytest.mark.slow
def test_compare(page: Page, media: Media) -> None:
    page.type_key()
    page.choose("compare", media.one, media.same)
    assert page.go("compare").startswith("Match")
    assert page.answer("compare")["verification_score"] > 0.7
    # Another threshold, the same answer.
    page.run(
        "const s = document.querySelector('#compare [type=range]'); s.value = 1; s.dispatchEvent(new Event('input'))"
    )
    page.wait(lambda: page.find("#compare .result").text.startswith("No match"))
    page.choose("compare", media.one, media.other)
    assert page.go("compare").startswith("No match")


@browser_needed
@pytest.mark.slow
def test_omni_draws_a_box_a_face(page: Page, media: Media) -> None:
    page.type_key()
    page.choose("omni", media.one, media.other)
    assert page.go("omni").startswith("No match")
    body = page.answer("omni")
    assert [cell.text for cell in page.browser.find_elements("css selector", "#omni th")] == ["B1", "A1"]
    left, top, right, _ = body["face_rects"]["first_image_face_rects"][0]
    page.run("window.pen = document.querySelector('#omni canvas').getContext('2d')")
    drawn = page.run(f"return [...pen.getImageData({(left + right) // 2}, {top}, 1, 1).data]")
    assert drawn == [255, 255, 255, 255]


@browser_needed
@pytest.mark.slow
def test_quality(page: Page, media: Media) -> None:
    page.type_key()
    page.choose("quality", media.large)
    assert "Face 1" in page.go("quality")
    rows = page.browser.find_elements("css selector", "#quality .result tr")
    assert len(rows) == 14


@browser_needed
@pytest.mark.slow
def test_liveness_of_a_file_and_a_photo(page: Page, media: Media) -> None:
    page.type_key()
    page.choose("liveness", media.still)
    assert page.go("liveness").startswith("Not live")
    page.choose("liveness", media.still, media.one)
    page.go("liveness")
    assert page.answer("liveness")["passed"] is False


@browser_needed
@pytest.mark.slow
def test_liveness_of_a_living_person(page: Page, test_data: Path) -> None:
    page.type_key()
    # How many the detector lets pass is another test's affair: the first that does shows the page.
    videos = (test_data / "liveness-videos" / "live").iterdir()
    for video in sorted(videos, key=lambda path: path.stat().st_size):
        page.choose("liveness", video)
        text = page.go("liveness")
        if text.startswith("Live"):
            break
    assert text.startswith("Live\nA live person. Score 0.")
    page.wait(
        lambda: page.run("return [...document.querySelectorAll('#liveness img')].every((i) => i.naturalWidth > 0)")
    )
    captions = [found.text for found in page.browser.find_elements("css selector", "#liveness figcaption")]
    assert re.fullmatch(r"selected frame, at \d+\.\d\d s", captions[0])
    assert captions[1:] == ["its face"]
    page.keep_picture("living")


@browser_needed
@pytest.mark.slow
def test_liveness_with_the_camera(page: Page) -> None:
    page.type_key()
    page.open("liveness")
    page.find("#liveness .use-camera").click()
    take = page.find("#camera-take")
    page.wait(take.is_enabled)
    page.keep_picture("camera")
    take.click()
    page.wait(lambda: not page.find("#camera").get_attribute("open"))
    assert page.run("return document.querySelector('#camera video').srcObject") is None
    page.go("liveness")
    body = page.answer("liveness")
    assert body["code"] == 1000, body
    assert body["liveness_status"] in {"ok", "hack"}


@browser_needed
@pytest.mark.slow
def test_a_photo_from_the_camera(page: Page) -> None:
    page.type_key()
    page.open("quality")
    page.find("#quality .use-camera").click()
    take = page.find("#camera-take")
    page.wait(take.is_enabled)
    take.click()
    page.wait(lambda: not page.find("#camera").get_attribute("open"))
    assert "Face 1" in page.go("quality")


@browser_needed
@pytest.mark.slow
def test_a_refusal_is_explained(page: Page, media: Media) -> None:
    page.type_key(key=KEY.secret.decode()[::-1])
    page.choose("quality", media.one)
    text = page.go("quality")
    assert text.startswith("Refused: invalid argument")
    assert "the key or the IV is not the one of the service" in text
    assert page.answer("quality")["request_id"] in text


@browser_needed
@pytest.mark.slow
def test_nothing_is_sent_without_a_key_or_a_photo(page: Page, media: Media) -> None:
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


@browser_needed
@pytest.mark.slow
def test_too_long_a_file_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    (tmp_path / "long.jpg").write_bytes(bytes(5 * 1024 * 1024 + 1))
    page.type_key()
    page.choose("quality", tmp_path / "long.jpg")
    assert page.go("quality").startswith("Photo: JPEG, PNG, BMP, GIF or TIFF, up to 5 MB. This one has 5.0 MB.")


@browser_needed
@pytest.mark.slow
def test_the_key_is_forgotten(page: Page, site: Service) -> None:
    page.type_key()
    assert page.find("#key-state").text == "entered"
    page.find("#forget").click()
    assert page.find("#key").get_attribute("value") == ""
    page.type_key()
    kept = "return localStorage.length + sessionStorage.length + document.cookie.length"
    assert page.run(kept) == 0
    page.browser.get(site.url)
    assert page.find("#key").get_attribute("value") == ""


@browser_needed
@pytest.mark.slow
def test_keyboard_and_names(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.find("#tab-compare").send_keys(Keys.ARROW_RIGHT)
    assert page.find("#tab-omni").get_attribute("aria-selected") == "true"
    assert page.find("#omni").is_displayed()
    assert not page.find("#compare").is_displayed()
    page.find("#tab-omni").send_keys(Keys.END)
    assert page.find("#liveness").is_displayed()
    page.find("#tab-liveness").send_keys(Keys.ARROW_RIGHT)
    assert page.find("#compare").is_displayed()
    nameless = (
        "return [...document.querySelectorAll('input:not([type=hidden]), button')]"
        ".filter((e) => !e.textContent.trim() && !e.getAttribute('aria-label') && !e.labels?.length).length"
    )
    assert page.run(nameless) == 0


@browser_needed
@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 768, 1400])
def test_it_fits(page: Page, width: int) -> None:
    # Chromium has no window narrower than 500 pixels.
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    page.type_key()
    for tab in ("compare", "omni", "quality", "liveness"):
        page.open(tab)
        page.keep_picture(f"{tab}-{width}")
        assert page.run("return document.documentElement.scrollWidth") <= width
        assert page.run("const t = document.querySelector('.tabs'); return t.scrollWidth - t.clientWidth") <= 0
    page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@browser_needed
@pytest.mark.slow
def test_over_plain_http_from_elsewhere_it_says_so(browser: Chrome, site: Service) -> None:
    browser.get(f"http://faces.test:{site.port}")
    page = Page(browser)
    page.keep_picture("insecure")
    assert page.run("return window.isSecureContext") is False
    assert page.find("#insecure").is_displayed()
    assert not page.find("#key").is_displayed()
    assert not page.find("#compare form button.go").is_enabled()
    browser.get_log("browser")


@browser_needed
@pytest.mark.slow
def test_it_is_off_unless_asked_for(service: Service) -> None:
    assert service.client.get("/").status_code == 404
    assert service.client.get("/page.js").status_code == 404
