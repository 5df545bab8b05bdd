"""Who may call the service: by which names, from which pages, and what keeps a service from being open by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from senseid_service.callers import Callers, callers_of
from tests.service.conftest import COMPARE, Service, running
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from pathlib import Path


def ask(address: str, method: str, path: str, **headers: str) -> httpx.Response:
    return httpx.request(method, address + path, headers=headers, timeout=20, trust_env=False)


@pytest.mark.parametrize(
    "host", ["page.example", "page.example:3000", "127.0.0.1.page.example", "[::2]:80", "10.0.0.1"]
)
def test_a_name_that_is_made_to_point_here(service: Service, host: str) -> None:
    """DNS rebinding: at the API, the worker and the metrics."""
    for address, path in zip(service.addresses, (COMPARE, COMPARE, "/metrics"), strict=True):
        for method in ("GET", "POST"):
            refused = ask(address, method, path, host=host)
            assert (refused.status_code, refused.json()["code"], refused.json()["message"]) == (403, 403, "forbidden")
            assert refused.headers["connection"] == "close"


def test_its_own_names(service: Service) -> None:
    port = service.port
    for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"LOCALHOST.:{port}", f"[::1]:{port}"):
        assert ask(service.url, "GET", "/healthcheck", host=host).status_code == 200


@pytest.mark.parametrize("origin", ["https://page.example", "null", "http://localhost:1", "http://[", ""])
def test_another_page(service: Service, origin: str) -> None:
    """A form needs nobody's leave to be posted to this machine."""
    for address in service.addresses[:2]:
        refused = ask(address, "POST", COMPARE, origin=origin)
        assert (refused.status_code, refused.json()["code"]) == (403, 403)
    assert ask(service.url, "POST", COMPARE, origin=service.url).json()["code"] == 1200


def test_names_and_pages_that_were_set() -> None:
    callers = callers_of("127.0.0.1", ("Faces.example",), ("https://app.example",))
    assert callers.knows("faces.example:443")
    assert callers.take("https://faces.example", "faces.example")
    assert callers.take("https://app.example", "faces.example")
    assert not callers.take("https://other.example", "faces.example")
    assert callers_of("::1", (), ("*",)).take("https://other.example", "localhost")


def test_a_service_that_others_reach_has_keys_instead() -> None:
    callers = callers_of("0.0.0.0", (), ())
    assert callers == Callers(None, ())
    assert callers.knows("anything")
    assert callers.take("https://page.example", "anything")


@pytest.mark.parametrize("words", [(), ("--role", "worker"), ("--role", "api", "--workers", "127.0.0.1")])
def test_it_is_not_open_by_mistake(home: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = serve(home, tmp_path, "--host", "0.0.0.0", *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "senseid: SENSEID_API_KEY is not set, and everybody who reaches 0.0.0.0 would be served: set it"
    )


def test_it_is_open_where_that_is_meant(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, "--open", env={"SENSEID_HOST": "0.0.0.0", "HANDLERS": "1"}, healthy=False) as found:
        assert ask(f"http://127.0.0.1:{found.port}", "POST", COMPARE, host="page.example").json()["code"] == 1200


@pytest.mark.slow
def test_a_worker_without_a_key_behind_an_api_with_one(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, "--role", "worker", env={"HANDLERS": "1"}) as worker:
        address = worker.url.removeprefix("http://")
        for env, told in (({"SENSEID_API_KEY": "k"}, 1), ({}, 0)):
            with running(home, tmp_path, "--role", "api", "--workers", address, env=env) as api:
                assert len(api.events("worker_without_key")) == told
