"""What a person does on the page, in headless Chromium.

Set SENSEID_SCREENSHOTS to a folder to keep pictures of what it looks like.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement


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


def complaints_of(browser: Chrome) -> list[str]:
    """What the browser complained about, but for refusals of the service: they are a 400, which it notes."""
    found = [entry["message"] for entry in browser.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}]
    return [message for message in found if "the server responded with a status" not in message]


class Page:
    """What a person does on the page."""

    def __init__(self, browser: Chrome) -> None:
        self.browser = browser

    def find(self, css: str) -> WebElement:
        return self.browser.find_element("css selector", css)

    def all(self, css: str) -> list[WebElement]:
        return self.browser.find_elements("css selector", css)

    def texts(self, css: str) -> list[str]:
        return [found.text for found in self.all(css)]

    def wait_until_open(self) -> None:
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))

    def type_key(self, key: str = KEY.secret.decode(), iv: str = KEY.fixed_iv.decode()) -> None:
        self.find("#key").send_keys(key)
        self.find("#iv").send_keys(iv)

    def open(self, tab: str) -> None:
        self.find(f"#tab-{tab}").click()

    def choose(self, tab: str, *files: Path) -> None:
        self.open(tab)
        for found, file in zip(self.all(f"#{tab} input[type=file]"), files, strict=False):
            found.send_keys(str(file))

    def go(self, tab: str) -> str:
        """Press the button, and read the result."""
        self.find(f"#{tab} form button.go").click()
        return self.result(tab)

    def result(self, tab: str) -> str:
        self.wait(lambda: self.find(f"#{tab} form button.go").is_enabled())
        self.keep_picture(tab)
        return self.find(f"#{tab} .result").text

    def verdict(self, tab: str) -> tuple[str, str]:
        """The kind of the verdict, which its colours follow, and its words."""
        banner = self.find(f"#{tab} .banner")
        kind = (banner.get_attribute("class") or "").removeprefix("banner ")
        return kind, banner.find_element("css selector", ".verdict").text

    def answer(self, tab: str) -> dict[str, Any]:
        """The body that the service answered, as the page shows it."""
        text = self.find(f"#{tab} .result pre").get_attribute("textContent")
        found = json.loads(text or "")
        assert isinstance(found, dict)
        return found

    def boxes(self, css: str) -> list[list[float]]:
        """Left, top, right and bottom of the boxes that are drawn, in pixels of the photo."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].map((r) => ['x', 'y', 'width', 'height']"
            ".map((n) => Number(r.getAttribute(n)))).map(([x, y, w, h]) => [x, y, x + w, y + h])"
        )
        return self.browser.execute_script(script, f"{css} .edge")  # type: ignore[no-any-return]

    def set_threshold(self, tab: str, value: float) -> None:
        script = (
            "const slider = document.querySelector(arguments[0]);"
            "slider.value = arguments[1]; slider.dispatchEvent(new Event('input'))"
        )
        self.browser.execute_script(script, f"#{tab} [type=range]", value)

    def wait(self, condition: Callable[[], object]) -> None:
        from selenium.common.exceptions import StaleElementReferenceException

        def holds() -> bool:
            try:
                return bool(condition())
            except StaleElementReferenceException:  # the page drew it anew while it was being read
                return False

        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, "it did not come true in time"
            time.sleep(0.05)

    def run(self, script: str, *words: object) -> Any:
        return self.browser.execute_script(script, *words)

    def resize(self, width: int, height: int = 900) -> None:
        # Chromium has no window narrower than 500 pixels.
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def dress(self, scheme: str) -> None:
        """Dark or light, as the user's system has it."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def as_before(self) -> None:
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def accessibility_findings(self) -> list[str]:
        """What axe-core finds wrong with the page as it is now."""
        self.run((resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
        script = "const done = arguments[arguments.length - 1]; axe.run().then(done)"
        found = self.browser.execute_async_script(script)
        return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]

    def keep_picture(self, name: str) -> None:
        folder = os.environ.get("SENSEID_SCREENSHOTS")
        if folder:
            self.browser.save_screenshot(str(Path(folder) / f"{name}-{time.monotonic_ns()}.png"))
