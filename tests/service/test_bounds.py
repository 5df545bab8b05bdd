"""What one request, one connection and all together may bring, however they announce it."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import yaml

from senseid_service.settings import MEBIBYTE, Limits
from tests.service.conftest import COMPARE, OMNI, QUALITY, Service, encrypted, jpeg, running, until
from tests.service.test_limits import rest
from tests.service.test_living import LIVENESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATHS = (COMPARE, "/healthcheck", "/openapi.json", "/metrics", "/nowhere")

BODY = 40 * MEBIBYTE


def connect(address: str, data: bytes) -> socket.socket:
    host, port = address.removeprefix("http://").rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), 20)
    sock.sendall(data)
    return sock


def head(method: str, path: str, *lines: str, version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", *lines, "", ""]).encode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "lines", [("Content-Length: 3", "Transfer-Encoding: chunked"), ("transfer-encoding: chunked",)]
)
def test_a_length_that_is_given_in_two_ways(service: Service, path: str, lines: tuple[str, ...]) -> None:
    """At the API, at the worker and at the metrics: refused, and nothing behind it is taken for another request."""
    version = "1.1" if len(lines) == 2 else "1.0"
    smuggled = head("GET", "/healthcheck")
    for address in service.addresses:
        begin = time.monotonic()
        for method in ("POST", "GET"):
            sent = head(method, path, *lines, version=version) + b"0\r\n\r\n" + smuggled
            with connect(address, sent) as sock:
                answer = rest(sock)
            assert answer.startswith(b"HTTP/1.1 400 "), (address, method)
            assert b'{"code":1200,"message":"invalid argument","request_id":"' in answer
            assert b"connection: close" in answer.lower()
            assert answer.count(b"HTTP/1.1 ") == 1
        assert time.monotonic() - begin < 10


def test_it_is_told_in_the_log(service: Service) -> None:
    with connect(service.url, head("POST", COMPARE, "Content-Length: 3", "Transfer-Encoding: chunked")) as sock:
        sock.shutdown(socket.SHUT_WR)
        rest(sock)
    until(lambda: any(event.get("reason") == "its length is given in two ways" for event in service.events("request")))


@pytest.fixture(scope="module")
def small(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that takes a megabyte."""
    env = {"HANDLERS": "1", "SENSEID_BODY_MB": "1", "SENSEID_METRICS": "0"}
    with running(home, tmp_path_factory.mktemp("small"), env=env) as found:
        yield found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("line", ["Transfer-Encoding: chunked", "Content-Length: 1000000000"])
def test_a_body_that_does_not_end(small: Service, path: str, line: str) -> None:
    """It is answered, and the connection ends soon after as many bytes as the longest body has."""
    chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
    for address in small.addresses:
        for method in ("POST", "GET"):
            with connect(address, head(method, path, line)) as sock:
                sent = 0
                with contextlib.suppress(ConnectionError):
                    while sent < 64 * MEBIBYTE:
                        sock.sendall(chunk)
                        sent += len(chunk)
            # What the kernel holds for both ends comes on top.
            assert sent < 32 * MEBIBYTE, (address, method)


def test_a_body_in_chunks_needs_a_length(small: Service) -> None:
    with connect(small.url, head("POST", COMPARE, "Transfer-Encoding: chunked") + b"3\r\na=b\r\n0\r\n\r\n") as sock:
        assert rest(sock).startswith(b"HTTP/1.1 411 ")


class Deaf(http.server.BaseHTTPRequestHandler):
    """A worker that is well, and reads no body."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "15")
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')

    def do_POST(self) -> None:
        time.sleep(60)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def deaf() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deaf)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_memory_while_bodies_come(home: Path, tmp_path: Path, deaf: str) -> None:
    """Those that are whole and wait at a worker, those that are not, and connections that send more than they may."""
    with running(home, tmp_path, "--role", "api", "--workers", deaf) as api, contextlib.ExitStack() as stack:
        (http_process,) = psutil.Process(api.process.pid).children()
        before = http_process.memory_info().rss

        def send(length: int) -> None:
            sock = stack.enter_context(connect(api.url, head("POST", COMPARE, f"Content-Length: {BODY}")))
            with contextlib.suppress(ConnectionError):
                for _ in range(length // MEBIBYTE):
                    sock.sendall(bytes(MEBIBYTE))

        for length in (BODY, BODY, BODY, BODY - MEBIBYTE, BODY - MEBIBYTE, BODY - MEBIBYTE, BODY - MEBIBYTE):
            send(length)
        for _ in range(200):
            sock = stack.enter_context(connect(api.url, head("POST", "/nowhere", "Content-Length: 3") + b"abc"))
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                while True:
                    sock.send(head("GET", "/openapi.json") * 1000)
        until(lambda: http_process.memory_info().rss - before > 160 * MEBIBYTE, 20)
        time.sleep(1)
        assert http_process.memory_info().rss - before < Limits().buffer_bytes + 64 * MEBIBYTE
        stack.close()
        until(lambda: http_process.memory_info().rss < 1.1 * before, 20)


def test_it_fits_into_what_the_manifests_allow(pytestconfig: pytest.Config) -> None:
    """Bodies and connections together need at most half of the API's memory: the rest is for Python and answers."""
    root = pytestconfig.rootpath / "deploy"
    compose = yaml.safe_load((root / "compose" / "compose.yaml").read_text())
    (deployment, *_) = yaml.safe_load_all((root / "kubernetes" / "api.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert (compose["services"]["api"]["mem_limit"], container["resources"]["limits"]["memory"]) == ("1g", "1Gi")
    a_connection = 2 * 64 * 1024
    assert Limits().buffer_bytes + Limits().connections * a_connection <= 512 * MEBIBYTE


@pytest.mark.slow
def test_a_handler_that_rests_gives_back_what_it_worked_in(home: Path, tmp_path: Path) -> None:
    from PIL import Image

    photo = encrypted(jpeg(Image.effect_noise((4000, 3000), 20)))
    with running(home, tmp_path, env={"HANDLERS": "1"}) as found:
        (pid,) = until(found.handlers)
        handler = psutil.Process(pid)
        found.post(QUALITY, {"encrypted_image": photo})
        busy = handler.memory_full_info().uss
        time.sleep(3)

        assert handler.memory_full_info().uss < busy - 16 * MEBIBYTE


@pytest.mark.slow
def test_memory_of_handlers_that_rest(
    home: Path, tmp_path: Path, sample_photos: dict[str, Path], pair: dict[str, str], still_clip: bytes
) -> None:
    """`tests.bench.handler_memory` measures it; this limit is far above what it finds."""
    from PIL import Image

    with Image.open(sample_photos["obama.jpg"]) as photo:
        large = encrypted(jpeg(photo.resize((4000, 3000))))
    asked = [
        (COMPARE, pair),
        (OMNI, pair),
        (QUALITY, {"encrypted_image": pair["first_encrypted_image"]}),
        (LIVENESS, {"encrypted_video": encrypted(still_clip)}),
        (COMPARE, {"first_encrypted_image": large, "second_encrypted_image": large}),
        (QUALITY, {"encrypted_image": large}),
    ]
    handlers = 2
    with running(home, tmp_path, env={"HANDLERS": str(handlers)}) as found:
        until(lambda: len(found.handlers()) == handlers)
        for path, form in asked:
            for _ in range(handlers):
                assert found.post(path, form).status_code == 200, path
        time.sleep(3)

        for pid in found.handlers():
            assert psutil.Process(pid).memory_full_info().uss < 80 * MEBIBYTE
