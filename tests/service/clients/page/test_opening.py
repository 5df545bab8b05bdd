"""How the page is opened, and what it keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from senseid_service.page_access import link
from tests.service.clients.conftest import TOKEN
from tests.service.clients.page.browser import Page, browser_needed
from tests.service.conftest import KEY

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

pytestmark = [browser_needed, pytest.mark.slow]


def test_the_link_opens_it_for_the_life_of_the_tab(page: Page, site: Service) -> None:
    # It was opened by the link, and loaded again since.
    assert page.find("#key-state").text == "Ready"
    assert not page.find("#secrets").is_displayed()
    assert "#" not in page.browser.current_url
    assert page.run("return localStorage.length + document.cookie.length") == 0
    kept = json.loads(page.run("return sessionStorage.getItem('senseid')"))
    assert KEY.secret.decode() not in kept.values()
    page.browser.switch_to.new_window("tab")
    try:
        other = Page(page.browser)
        page.browser.get(link(site.url, TOKEN))
        other.wait_until_open()
        assert other.find("#key-state").text == "Key needed"
        assert "This link was used before" in other.find("#link-trouble").text
        assert other.find("#secrets").is_displayed()
    finally:
        page.browser.close()
        page.browser.switch_to.window(page.browser.window_handles[0])


def test_keys_of_an_earlier_run_are_forgotten(page: Page, site: Service) -> None:
    kept = page.run("return sessionStorage.getItem('senseid')")
    page.run("sessionStorage.setItem('senseid', arguments[0])", json.dumps({**json.loads(kept), "run": "0" * 16}))
    page.browser.get(site.url)
    page.wait_until_open()
    assert page.find("#link-trouble").text.startswith("The service was started again since.")
    assert page.run("return sessionStorage.length") == 0
    page.run("sessionStorage.setItem('senseid', arguments[0])", kept)


def test_what_was_typed_is_stored_nowhere(page: Page, site: Service, media: Media) -> None:
    kept = page.run("return sessionStorage.getItem('senseid')")
    page.find("#forget-session").click()
    assert page.run("return sessionStorage.length") == 0
    page.type_key()
    assert page.find("#key-state").text == "Ready"
    page.choose("compare", media.one, media.same)
    page.go("compare")
    assert page.verdict("compare") == ("yes", "Match")
    assert page.run("return localStorage.length + sessionStorage.length + document.cookie.length") == 0
    page.find("#forget").click()
    assert page.find("#key").get_attribute("value") == ""
    assert page.find("#key-state").text == "Key needed"
    page.type_key()
    page.browser.get(site.url)
    page.wait_until_open()
    assert page.find("#key").get_attribute("value") == ""
    page.run("sessionStorage.setItem('senseid', arguments[0])", kept)


def test_nothing_comes_from_elsewhere(page: Page, site: Service, media: Media) -> None:
    page.choose("compare", media.one, media.same)
    page.go("compare")
    names = page.run("return performance.getEntriesByType('resource').map(({ name }) => name)")
    assert len(names) > 10
    assert [name for name in names if not name.startswith((site.url, f"blob:{site.url}", "data:"))] == []


def test_over_plain_http_from_elsewhere_it_says_so(browser: Chrome, site: Service) -> None:
    browser.get(f"http://faces.test:{site.port}")
    page = Page(browser)
    page.keep_picture("insecure")
    assert page.run("return window.isSecureContext") is False
    assert page.find("#insecure").is_displayed()
    assert not page.find("#key").is_displayed()
    assert not page.find("#compare form button.go").is_enabled()
    browser.get_log("browser")
