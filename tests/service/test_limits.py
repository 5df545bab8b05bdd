"""Slow, silent, greedy and uninvited clients: each gets its answer, and harms no other."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.service.conftest import COMPARE, Service, certificate, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = {
    "HANDLERS": "1",
    "SENSEID_QUEUE": "1",
    "SENSEID_QUEUE_SECONDS": "20",
    "SENSEID_BODY_MB": "1",
    "SENSEID_BUFFER_MB": "2",
    "SENSEID_HEADER_SECONDS": "1",
    "SENSEID_IDLE_SECONDS": "1",
    "SENSEID_BODY_SECONDS": "2",
    "SENSEID_CONNECTIONS": "20",
}


@pytest.fixture(scope="module")
def strict(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with small limits."""
    with running(home, tmp_path_factory.mktemp("strict"), env=LIMITS) as found:
        yield found


def connect(service: Service, data: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", service.port), 20)
    sock.sendall(data)
    return sock


def rest(sock: socket.socket) -> bytes:
    """Everything until the other side closes, or resets."""
    found = b""
    try:
        while part := sock.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


def head(length: int) -> bytes:
    return f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize("data", [b"", b"POST /", b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_headers_that_never_end(strict: Service, data: bytes) -> None:
    begin = time.monotonic()
    with connect(strict, data) as sock:
        assert rest(sock) == b""
    assert 0.5 < time.monotonic() - begin < 10


def test_headers_byte_by_byte(strict: Service) -> None:
    with connect(strict) as sock:
        begin = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < begin + 15:
                sock.sendall(b"A")
                time.sleep(0.1)
    assert time.monotonic() - begin < 10


def test_headers_that_never_end_on_a_connection_in_use(strict: Service) -> None:
    with connect(strict, head(3) + b"a=b") as sock:
        answer = b""
        while not answer.endswith(b"}"):
            answer += sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400 ")
        sock.sendall(b"POST /")
        assert rest(sock) == b""


def test_a_body_that_pauses(strict: Service) -> None:
    with connect(strict, head(1000) + b"a=") as sock:
        answer = rest(sock)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'{"code":408,"message":"request timeout","request_id":"' in answer


def test_a_body_that_dribbles(strict: Service) -> None:
    with connect(strict, head(1000)) as sock:
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.append(rest(sock)))
        reader.start()
        end = time.monotonic() + 10
        while reader.is_alive() and time.monotonic() < end:
            try:
                sock.sendall(b"a")
            except ConnectionError:
                break
            time.sleep(0.2)
        reader.join(20)
    assert found[0].startswith(b"HTTP/1.1 408 ")


def test_a_body_that_is_cut_off_leaves_nothing_behind(strict: Service, pair: dict[str, str]) -> None:
    for _ in range(5):
        with connect(strict, head(900_000) + bytes(800_000)):
            pass
    assert strict.post(COMPARE, pair).status_code == 200


def test_a_body_over_the_limit(strict: Service) -> None:
    with connect(strict, head(1024 * 1024 + 1)) as sock:
        assert rest(sock).startswith(b"HTTP/1.1 413 ")


def test_more_bodies_than_the_buffer_holds(strict: Service) -> None:
    """Announcing costs nothing; only bytes that have come count against the others."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connect(strict, head(1_000_000))) for _ in range(3)]
        for sock in socks:
            with contextlib.suppress(ConnectionError):
                sock.sendall(bytes(990_000))
        statuses = {rest(sock)[:13] for sock in socks}
    assert statuses == {b"HTTP/1.1 408 ", b"HTTP/1.1 503 "}
    assert strict.post(COMPARE, {}).status_code == 400


def test_too_much_to_do(strict: Service, pair: dict[str, str]) -> None:
    """One is worked on, one waits, the rest are told to come again."""
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(_once(strict, pair))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 2
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json() | {"request_id": ""} == {
                "code": 503, "message": "service unavailable", "request_id": "",
            }  # fmt: skip
            assert answer.headers["retry-after"] == "1"
    assert strict.post(COMPARE, pair).status_code == 200


def _once(service: Service, form: dict[str, str]) -> httpx.Response:
    return httpx.post(service.url + COMPARE, data=form, timeout=60, trust_env=False)


def _since(service: Service, request_id: str) -> list[dict[str, Any]]:
    """The requests that were answered after one: what earlier tests asked may be logged a moment after its answer."""
    events = service.events("request")
    marks = [number for number, event in enumerate(events) if event["request_id"] == request_id]
    return events[marks[0] + 1 :] if marks else []


def test_a_client_that_leaves_the_queue(strict: Service, pair: dict[str, str]) -> None:
    """What nobody waits for is not worked on."""
    mark = strict.post(COMPARE, {}).json()["request_id"]
    body = httpx.Request("POST", strict.url, data=pair).read()
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    request = head(len(body)).replace(b"\r\n\r\n", b"\r\n" + form + b"\r\n") + body
    (handler,) = strict.handlers()
    os.kill(handler, signal.SIGSTOP)  # however fast the machine is, the first one is still worked on
    try:
        running_one = connect(strict, request)
        time.sleep(0.1)
        with connect(strict, request):
            time.sleep(0.1)
    finally:
        os.kill(handler, signal.SIGCONT)
    assert running_one.recv(65536).startswith(b"HTTP/1.1 200 ")
    running_one.close()
    until(lambda: len(_since(strict, mark)) == 2, 20)
    (left,) = [event for event in _since(strict, mark) if event["status"] != 200]
    assert left["reason"] == "the client went away"
    assert "handler_ms" not in left


def test_too_many_connections(strict: Service) -> None:
    socks = [connect(strict) for _ in range(25)]
    try:
        assert rest(socks[-1]) == b""
    finally:
        for sock in socks:
            sock.close()
    until(strict.is_healthy, 10)


def test_slow_clients_harm_no_other(strict: Service, pair: dict[str, str]) -> None:
    slow = [connect(strict, head(1000) + b"a=") for _ in range(10)]
    begin = time.monotonic()
    assert _once(strict, pair).status_code == 200
    assert time.monotonic() - begin < 10
    for sock in slow:
        sock.close()


# Uninvited.


@pytest.fixture(scope="module")
def guarded(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a certificate, API keys, a limit of requests and one page that may call it."""
    folder = tmp_path_factory.mktemp("guarded")
    cert, key = certificate(folder, "127.0.0.1")
    (folder / "keys").write_text("first key\n\nsecond key\n")
    env = {
        "HANDLERS": "1",
        "SENSEID_TLS_CERT": str(cert),
        "SENSEID_TLS_KEY": str(key),
        "SENSEID_API_KEY_FILE": str(folder / "keys"),
        "SENSEID_RATE": "3",
        "SENSEID_CORS_ORIGINS": "https://page.example",
        "SENSEID_UI": "true",
        "SENSEID_HEADER_SECONDS": "5",
    }
    with running(home, folder, env=env, healthy=False) as found:
        found.clients.append(httpx.Client(base_url=found.url, verify=ssl.create_default_context(cafile=cert)))
        until(lambda: found.client.get("/healthcheck").status_code == 200)
        yield found


def ask(service: Service, headers: dict[str, str]) -> httpx.Response:
    """A request that is not one too many: the limit is three a second."""
    time.sleep(0.4)
    return service.client.post(COMPARE, data={"a": "b"}, headers=headers)


def test_api_keys(guarded: Service) -> None:
    for headers in ({}, {"x-api-key": "third key"}, {"x-api-key": ""}, {"authorization": "Basic first key"}):
        refused = ask(guarded, headers)
        assert (refused.status_code, refused.json()["code"]) == (401, 401)
    for headers in ({"x-api-key": "first key"}, {"x-api-key": "second key"}, {"authorization": "Bearer first key"}):
        assert ask(guarded, headers).json()["code"] == 1200
    assert guarded.client.get("/healthcheck").status_code == 200
    assert "key" not in "".join(line for line in guarded.log.read_text().splitlines() if '"request"' in line)


def test_a_long_body_by_tls(guarded: Service) -> None:
    """It comes whole: TLS has a buffer of its own."""
    time.sleep(0.4)
    form = {"first_encrypted_image": bytes(range(65, 91)).decode() * 100_000}
    answer = guarded.client.post(COMPARE, data=form, headers={"x-api-key": "first key"})
    assert answer.json()["code"] == 1200
    sent = len("first_encrypted_image=") + 2_600_000
    # The answer goes out before the log tells of it.
    until(lambda: sent in [event["received"] for event in guarded.events("request")])


def test_a_silent_client_of_tls(guarded: Service) -> None:
    """The handshake is given as long as the headers: a minute would let few clients hold many connections."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", guarded.port), 50) as sock:
        assert rest(sock) == b""
    assert 4 < time.monotonic() - begin < 40


def test_one_address_may_ask_so_often(guarded: Service) -> None:
    answers = [guarded.client.post(COMPARE, data={"a": "b"}, headers={"x-api-key": "first key"}) for _ in range(20)]
    codes = [answer.json()["code"] for answer in answers]
    assert set(codes) == {1200, 429}
    late = next(answer for answer in answers if answer.status_code == 429)
    assert late.headers["retry-after"] == "1"
    time.sleep(1)
    assert ask(guarded, {"x-api-key": "first key"}).status_code == 400


def test_plain_http_on_the_port_of_https(guarded: Service) -> None:
    with connect(guarded, b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\n\r\n") as sock:
        assert b"ok" not in rest(sock)


def test_one_origin_may_call_it(guarded: Service) -> None:
    allowed = guarded.client.get("/healthcheck", headers={"origin": "https://page.example"})
    assert allowed.headers["access-control-allow-origin"] == "https://page.example"
    other = guarded.client.get("/healthcheck", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_page(guarded: Service) -> None:
    page = guarded.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert guarded.client.get("/page.js").headers["content-type"].startswith("text/javascript")
