"""A browser in which the page of the real service is open, with a camera that is faked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw, ImageOps

from senseid_service.page_access import link
from tests.service.clients.conftest import TOKEN
from tests.service.clients.page.browser import CHROMIUM, DRIVER, FLAGS, Page, complaints_of
from tests.service.conftest import jpeg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tests.service.conftest import Service


@pytest.fixture(scope="package")
def camera(small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees: a person who sways a little, as Motion JPEG, over and over."""
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


@pytest.fixture(scope="package")
def two_people(small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of two people, the one at the right smaller."""
    with Image.open(io.BytesIO(small_photos["obama"])) as left, Image.open(io.BytesIO(small_photos["biden"])) as right:
        both = Image.new("RGB", (left.width + right.width, max(left.height, right.height)))
        both.paste(left, (0, 0))
        both.paste(right, (left.width, 0))
    path = tmp_path_factory.mktemp("two") / "two.jpg"
    path.write_bytes(jpeg(both, quality=95))
    return path


@pytest.fixture(scope="package")
def masked(small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person whose lower face is behind something blue."""
    with Image.open(io.BytesIO(small_photos["obama"])) as photo:
        covered = photo.convert("RGB")
    width, height = covered.size
    ImageDraw.Draw(covered).rectangle([width * 0.39, height * 0.235, width * 0.68, height * 0.40], fill=(120, 160, 205))
    path = tmp_path_factory.mktemp("masked") / "masked.jpg"
    path.write_bytes(jpeg(covered, quality=95))
    return path


@pytest.fixture(scope="package")
def faceless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawing without a face."""
    drawing = Image.new("RGB", (400, 300), (120, 160, 200))
    ImageDraw.Draw(drawing).ellipse([100, 80, 300, 220], fill=(220, 180, 90))
    path = tmp_path_factory.mktemp("faceless") / "faceless.png"
    drawing.save(path)
    return path


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def browser(start_browser: Callable[..., Chrome], site: Service) -> Chrome:
    """A tab that was opened by the link of the service, which works once."""
    browser = start_browser("--window-size=1280,900")
    browser.get(link(site.url, TOKEN))
    Page(browser).wait_until_open()
    return browser


@pytest.fixture
def page(browser: Chrome, site: Service) -> Iterator[Page]:
    """The page, just loaded again in that tab; at the end the browser must have had nothing to complain about."""
    browser.get(site.url)
    page = Page(browser)
    page.wait_until_open()
    yield page
    assert complaints_of(browser) == []
