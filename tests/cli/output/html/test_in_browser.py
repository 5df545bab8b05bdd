"""The five reports in headless Chromium: as files, with and without scripts, narrow, dark and printed."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.output.html.made_reports import PAGES
from tests.golden import check_golden, skip_with_another_font

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--font-render-hinting=none",
    "--force-color-profile=srgb",
)  # fmt: skip
GOLDEN = Path(__file__).with_name("golden")
HEIGHT = 1500

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="not installed: chromium and chromium-driver"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of each page."""
    folder = tmp_path_factory.mktemp("pages")
    for name, make in PAGES.items():
        (folder / f"{name}.html").write_text(make(), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in PAGES}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service as Driver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Driver(DRIVER))
    yield browser
    browser.quit()


def show(browser: Chrome, address: str, width: int, *, dark: bool = False, media: str = "") -> None:
    """Open a page on a screen of this width."""
    screen = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})
    browser.get(address)


def run(browser: Chrome, script: str) -> Any:
    return browser.execute_script(script)


def column(browser: Chrome, table: int, place: int) -> list[str]:
    found: list[str] = run(
        browser,
        f"return [...document.querySelectorAll('table')[{table}].tBodies[0].rows]"
        f".filter(row => row.offsetParent).map(row => row.cells[{place}].textContent)",
    )
    return found


@pytest.mark.parametrize("name", PAGES)
def test_nothing_in_it_runs_or_loads_but_its_own_script(browser: Chrome, files: dict[str, str], name: str) -> None:
    browser.get_log("browser")
    show(browser, files[name], 1280)
    assert run(browser, "return document.title") != "ran"
    assert run(browser, "return document.querySelectorAll('script').length") == 1
    assert (
        run(browser, "return performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:')).length")
        == 0
    )
    assert run(browser, "return document.querySelectorAll('table.sortable').length") > 0
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_screen(browser: Chrome, files: dict[str, str], name: str, width: int) -> None:
    show(browser, files[name], width)
    assert run(browser, "return document.documentElement.scrollWidth") <= width
    wider = "return [...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert run(browser, wider) == 0
    small = "return [...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)"
    heights = run(browser, small)
    assert min(heights, default=9) >= 9


@pytest.mark.parametrize("name", PAGES)
def test_no_label_of_a_chart_is_cut_or_lies_on_another_axis(browser: Chrome, files: dict[str, str], name: str) -> None:
    show(browser, files[name], 1280)
    outside = (
        "return [...document.querySelectorAll('svg')].flatMap(svg => { const box = svg.getBoundingClientRect();"
        " return [...svg.querySelectorAll('text')].filter(text => { const b = text.getBoundingClientRect();"
        " return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1;"
        " }).map(text => text.textContent); })"
    )
    assert run(browser, outside) == []
    axes = (
        "return [...document.querySelectorAll('svg')].flatMap(svg => {"
        " const labels = [...svg.querySelectorAll('text.axis, text[transform]')].map(t => t.getBoundingClientRect());"
        " return labels.flatMap((a, i) => labels.slice(i + 1).filter(b =>"
        " a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 2 && b.top < a.bottom - 2)"
        ".map(() => svg.textContent)); })"
    )
    assert run(browser, axes) == []


def test_tables_sort_by_number_and_back(browser: Chrome, files: dict[str, str]) -> None:
    show(browser, files["batch"], 1280)
    rows = "document.querySelectorAll('table')[0].querySelectorAll('th button')[1]"
    as_written = column(browser, 0, 5)
    assert as_written == sorted(as_written, key=lambda text: -float(text.removesuffix(" %")))
    run(browser, f"{rows}.click()")
    counts = [int(text) for text in column(browser, 0, 1)]
    assert counts == sorted(counts)
    assert run(browser, f"return {rows}.parentNode.ariaSort") == "ascending"
    run(browser, f"{rows}.click()")
    assert [int(text) for text in column(browser, 0, 1)] == counts[::-1]


def test_tables_filter_and_say_how_many_are_left(browser: Chrome, files: dict[str, str]) -> None:
    show(browser, files["quality"], 1280)
    whole = column(browser, 1, 1)
    assert len(whole) == 12
    box = browser.find_element("css selector", "input[type=search]")
    box.send_keys("DOOR/")
    assert column(browser, 1, 1) == [name for name in whole if name.startswith("door/")]
    assert browser.find_element("css selector", "output").text == "6 of 12 rows"
    box.clear()
    box.send_keys("nothing of the kind")
    assert column(browser, 1, 1) == []


def test_what_is_filtered_away_is_printed_all_the_same(browser: Chrome, files: dict[str, str]) -> None:
    show(browser, files["quality"], 1280)
    browser.find_element("css selector", "input[type=search]").send_keys("nothing of the kind")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert len(column(browser, 1, 1)) == 12
    pdf = base64.b64decode(
        browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    )
    assert pdf.startswith(b"%PDF")


def test_without_scripts_the_tables_are_whole_and_offer_nothing_that_does_not_work(
    browser: Chrome, files: dict[str, str]
) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, files["quality"], 1280)
        assert len(browser.find_elements("css selector", "table:last-of-type tbody tr")) >= 12
        assert browser.find_elements("css selector", "button, input") == []
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize(
    ("name", "width", "dark"),
    [
        # rows, refused, matches and both error rates; why, and that the south is worst; two curves that overlap, with
        # the threshold marked; a DET with it; the groups; pairs with boxed faces.
        pytest.param("batch", 1000, False, id="batch"),
        # dark: two curves apart, the DET on its axes with the words that the scores separate fully, and the bound.
        pytest.param("batch-apart", 1000, True, id="batch-apart"),
        # a phone: the numbers, why, that there is no chart, and each refused row as a card.
        pytest.param("batch-refused", 360, False, id="batch-refused"),
        # a phone: pass, fail and refused, the histogram with what the policy asks for, bars of what falls short.
        pytest.param("quality", 360, False, id="quality"),
        # what is promised as a line and what was measured as dots, the DET with all scores, the table of rates.
        pytest.param("calibration", 1000, False, id="calibration"),
    ],
)
def test_it_looks_as_the_committed_picture(
    browser: Chrome, files: dict[str, str], name: str, width: int, dark: bool
) -> None:
    skip_with_another_font()
    show(browser, files[name], width, dark=dark)
    clip = {"x": 0, "y": 0, "width": width, "height": HEIGHT, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    check_golden(base64.b64decode(shot["data"]), GOLDEN / f"{name}.png")
