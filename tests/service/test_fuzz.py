"""Malformed, truncated, slow, huge and hostile requests: never a 500, a hang, or a leak."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

import psutil
import pytest

from senseid_crypto import sealed
from senseid_crypto.wire import encrypt_bytes
from senseid_service.endpoints import ENDPOINTS, Kind
from tests.counts import count
from tests.service.conftest import COMPARE, KEY, OMNI, QUALITY, Service, encrypted, running, until
from tests.service.test_living import LIVENESS, VERIFY_VIDEO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUESTS = count(800, 5000)
THREADS = 8
SECONDS = 30.0
UNFINISHED = {"garbage", "truncated", "mutated"}
"""Kinds that may be no whole request. Every other one is answered."""
CODES = {1200, 2003, 2004, 2005, 2007, 2008, 4000, 4004, 4007, 403, 404, 405, 408, 411, 413, 503}
"""What a refusal may be; 200 is an answer too. 500 is none."""


@pytest.fixture(scope="module")
def target(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that is short of patience, so that slow requests end soon."""
    env = {"SENSEID_IDLE_SECONDS": "1", "SENSEID_HEADER_SECONDS": "1", "SENSEID_BODY_MB": "4"}
    with running(home, tmp_path_factory.mktemp("fuzz"), env=env) as found:
        yield found


class Fuzz:
    """Makes requests, the same ones for the same seed."""

    def __init__(self, seed: int, photos: dict[str, bytes]) -> None:
        self.random = random.Random(seed)
        self.photos = list(photos.values())

    def request(self) -> tuple[str, bytes, float]:
        """Its kind, its bytes, and how long to wait before the last of them."""
        kinds: list[Callable[[], bytes]] = [
            self.garbage,
            self.bad_line,
            self.bad_headers,
            self.bad_form,
            self.bad_multipart,
            self.bad_media,
            self.bad_media,
            self.bad_media,
            self.mutated,
            self.truncated,
            self.pipelined,
            self.chunked,
            self.chunked,
        ]
        kind = self.random.choice(kinds)
        pause = 0.3 if self.random.random() < 0.02 else 0.0
        return kind.__name__, kind(), pause

    def bytes(self, most: int) -> bytes:
        return self.random.randbytes(self.random.randrange(most))

    def path(self) -> str:
        return self.random.choice(list(ENDPOINTS))

    def post(self, body: bytes, kind: str = "application/x-www-form-urlencoded", path: str = "") -> bytes:
        head = f"POST {path or self.path()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
        return head.encode() + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    def garbage(self) -> bytes:
        return self.bytes(3000) + self.random.choice([b"", b"\r\n\r\n", b"\n\n", b"\0"])

    def bad_line(self) -> bytes:
        method = self.random.choice(["GET", "PUT", "TRACE", "CONNECT", "PRI", "post", "P" * 5000, "", "\x01"])
        path = self.random.choice(
            [
                self.path(), "*", "/" + "a" * 9000, "/%00", "/..%2f..%2fetc/passwd", "http://x/y", "//", "/\xff",
                "/?" + "a=b&" * 500,
            ]
        )  # fmt: skip
        version = self.random.choice(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", "HTP/1.1", ""])
        return f"{method} {path} {version}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1")

    def bad_headers(self) -> bytes:
        header = self.random.choice(
            [
                "Content-Length: -1", "Content-Length: 1e3", "Content-Length: 99999999999999999999", "Content-Length:",
                "Content-Length: 3\r\nContent-Length: 4", "Transfer-Encoding: chunked",
                "Transfer-Encoding: gzip, chunked",
                "Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Encoding: gzip\r\nContent-Length: 3",
                "Expect: 100-continue\r\nContent-Length: 3", "Expect: nonsense\r\nContent-Length: 3",
                "X: " + "a" * 70000, "\r\n".join(f"X-{number}: a" for number in range(500)),
                "Upgrade: websocket\r\nConnection: Upgrade", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
                "Host: b", "X-Request-ID: \x80", ": empty", "no colon",
                "Content-Length: 3\r\nContent-Type: multipart/form-data; boundary=" + "b" * self.random.randrange(300),
                "Content-Length: \u0663",
            ]
        )  # fmt: skip
        body = self.random.choice([b"", b"a=b", b"3\r\na=b\r\n0\r\n\r\n", b"ffffffffffffffff\r\n", b"zz\r\n"])
        return f"POST {self.path()} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode() + body

    def bad_form(self) -> bytes:
        name = self.random.choice(
            [
                *(parameter.name for parameter in ENDPOINTS[self.path()].parameters),
                "x", "", "%", "%zz", "\xff", "a[]", "__proto__",
            ]
        )  # fmt: skip
        value = self.random.choice(
            [b"", b"%", b"%f", b"%00", b"true", b"TRUE", b"null", self.bytes(200), b"A" * self.random.randrange(9000)]
        )
        pair = name.encode() + b"=" + value
        return self.post(b"&".join([pair] * self.random.choice([1, 1, 2, 63, 65, 2000])))

    def bad_multipart(self) -> bytes:
        boundary = self.random.choice(["b", "b" * 70, '"b c"', "", "b;x=y", "\\", '"'])
        mark = b"--" + boundary.strip('"').encode()
        disposition = self.random.choice(
            [
                b'Content-Disposition: form-data; name="encrypted_image"', b"Content-Disposition: form-data", b"",
                b'Content-Disposition: form-data; name="a"; filename="../../etc/passwd"',
                b"Content-Disposition: " + b"x" * 9000,
                b"Content-Disposition: form-data; name*=utf-8''%ff%fe", b"X: y\r\n" * 200 + b"Z: a", self.bytes(100),
            ]
        )  # fmt: skip
        parts = self.random.choice([1, 1, 2, 70])
        body = (mark + b"\r\n" + disposition + b"\r\n\r\n" + self.bytes(300) + b"\r\n") * parts
        body += self.random.choice([mark + b"--\r\n", mark + b"--", b"", mark, b"\r\n" * 50])
        return self.post(body, f"multipart/form-data; boundary={boundary}")

    def media(self) -> bytes:
        """Bytes that decrypt, of photos that are none."""
        good = self.random.choice(self.photos)
        kind = self.random.randrange(9)
        if kind == 0:
            return self.bytes(2000)
        if kind == 1:
            return good[: self.random.randrange(len(good))]
        if kind == 2:
            return _flipped(good, self.random, 20)
        if kind == 3:
            return _png(self.random.choice([0, 1, 31, 5001, 14_000, 2**31 - 1]), 40)
        if kind == 4:
            return _png(200, 200, zlib.compress(bytes(10_000_000)))
        if kind == 5:
            return b"GIF89a" + self.bytes(500)
        if kind == 6:
            return b"II*\0" + self.bytes(500)
        if kind == 7:
            return b"\0\0\0\x18ftypmp42" + self.bytes(3000)
        return b"BM" + self.bytes(200)

    def bad_media(self) -> bytes:
        path = self.path()
        form = []
        for parameter in ENDPOINTS[path].parameters:
            if parameter.kind is Kind.SWITCH:
                if self.random.random() < 0.5:
                    form.append((parameter.name, self.random.choice([b"true", b"false"])))
            elif parameter.kind is Kind.LIVENESS_DATA:
                form.append((parameter.name, self.media()))
            else:
                form.append((parameter.name, self.sealed(self.media())))
        if self.random.random() < 0.5:
            body = b"".join(
                b'--b\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"
                for name, value in form
            )
            return self.post(body + b"--b--\r\n", "multipart/form-data; boundary=b", path)
        body = b"&".join(name.encode() + b"=" + quote_from_bytes(value).encode() for name, value in form)
        return self.post(body, path=path)

    def sealed(self, data: bytes) -> bytes:
        kind = self.random.randrange(6)
        if kind == 0:
            return base64.b64encode(data)
        if kind == 1:
            container = sealed.seal_bytes(data, KEY, entropy=os.urandom)
            return base64.b64encode(container if self.random.random() < 0.7 else _flipped(container, self.random, 1))
        text = encrypt_bytes(data, KEY)
        if kind == 2:
            return text[: self.random.randrange(len(text) + 1)]
        return text

    def mutated(self) -> bytes:
        return _flipped(self.bad_media(), self.random, 5)

    def truncated(self) -> bytes:
        whole = self.bad_media()
        return whole[: self.random.randrange(len(whole))]

    def chunked(self) -> bytes:
        """A body in chunks, which needs a length and has none, or one too many; with a request hidden behind it."""
        body = self.bad_media().partition(b"\r\n\r\n")[2][:20_000]
        cuts = sorted(self.random.randrange(len(body) + 1) for _ in range(self.random.randrange(4)))
        parts = [body[at:to] for at, to in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        size = self.random.choice(
            [b"%x", b"%X", b"0%x", b"%x ", b"%x;a=b", b"+%x", b"0x%x", b"-%x", b"%x\n", b"%x0000000"]
        )
        end = self.random.choice([b"\r\n", b"\r\n", b"\n", b"", b"xx"])
        data = b"".join(
            (size if self.random.random() < 0.3 else b"%x") % len(part) + b"\r\n" + part + end for part in parts
        )
        last = self.random.choice(
            [b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"0\n\n", b"00\r\n\r\n", b"", b"0;\r\n" + b"a: b\r\n" * 999]
        )
        lines = self.random.choice(
            [
                "Transfer-Encoding: chunked", "transfer-encoding: Chunked", "Transfer-Encoding:\tchunked ",
                f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked, chunked",
                "Transfer-Encoding: chunked\r\nContent-Length: 0", "Transfer-Encoding: xchunked",
                "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", "Transfer-Encoding : chunked",
                "Transfer-Encoding: gzip", "Content-Length: 5\r\n Transfer-Encoding: chunked",
            ]
        )  # fmt: skip
        lines = f"Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n{lines}"
        head = f"POST {self.path()} HTTP/{self.random.choice(['1.1', '1.0'])}\r\n{lines}\r\n\r\n"
        return (
            head.encode()
            + data
            + last
            + b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: hidden\r\n\r\n"
        )

    def pipelined(self) -> bytes:
        one = self.post(b"a=b").replace(b"Connection: close\r\n", b"")
        return one * self.random.randrange(2, 20) + self.garbage()


def _flipped(data: bytes, source: random.Random, most: int) -> bytes:
    changed = bytearray(data)
    for _ in range(source.randrange(most) + 1):
        if changed:
            changed[source.randrange(len(changed))] = source.randrange(256)
    return bytes(changed)


def _png(width: int, height: int, pixels: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def exchange(service: Service, data: bytes, pause: float, *, ends: bool) -> bytes:
    """Send it, say that there is no more if it `ends` in the middle, and read all that comes back."""
    with socket.create_connection(("127.0.0.1", service.port), SECONDS) as sock:
        answer = b""
        with contextlib.suppress(ConnectionError):  # what was answered before is there all the same
            sock.sendall(data[:-1])
            time.sleep(pause)
            sock.sendall(data[-1:])
        if ends:
            with contextlib.suppress(OSError):  # the other end has gone
                sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):  # a reset; a timeout would be a hang
            while part := sock.recv(65536):
                answer += part
        return answer


def responses(answer: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each response; a pipeline has several."""
    found = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        assert match, answer[:200]
        length = re.search(rb"(?i)content-length: (\d+)", head)
        count = int(length[1]) if length else 0
        if int(match[1]) != 100:
            found.append((int(match[1]), rest[:count]))
        answer = rest[count:]
    return found


def check(kind: str, answer: bytes) -> None:
    found_all = responses(answer)
    if kind == "chunked":
        assert found_all, "no answer"
        assert found_all[0][0] != 200
    for status, body in found_all:
        if status == 200 or not body:
            continue
        found: dict[str, Any] = json.loads(body)
        assert set(found) == {"code", "message", "request_id"}, kind
        assert found["code"] in CODES, (kind, status, found)


@pytest.mark.slow
def test_thousands_of_bad_requests(
    target: Service, small_photos: dict[str, bytes], pair: dict[str, str], still_clip: bytes
) -> None:
    video = {"encrypted_video": encrypted(still_clip)}
    photo = {"encrypted_image": pair["first_encrypted_image"]}
    good = {COMPARE: pair, OMNI: pair, QUALITY: photo, LIVENESS: video, VERIFY_VIDEO: {**video, **photo}}
    assert target.post(COMPARE, pair).status_code == 200
    expected = target.post(COMPARE, pair).json()["verification_score"]
    handlers = target.handlers()
    http = _http_process(target)
    counts: dict[str, int] = {}
    lock = threading.Lock()

    def some(seed: int) -> None:
        fuzz = Fuzz(seed, small_photos)
        for _ in range(REQUESTS // THREADS):
            kind, data, pause = fuzz.request()
            answer = exchange(target, data or b"\r\n", pause, ends=pause > 0 and kind in UNFINISHED)
            check(kind, answer)
            with lock:
                counts[kind] = counts.get(kind, 0) + 1
            assert answer or kind in UNFINISHED, data[:300]

    with ThreadPoolExecutor(THREADS) as pool:
        # Each handler has done each kind of work before: what it takes for its first video stays with it.
        for path, form in good.items():
            assert {
                answer.status_code
                for answer in pool.map(lambda _, path=path, form=form: target.post(path, form), range(12))
            } == {200}
        before = target.memory_at_rest()
        list(pool.map(some, range(THREADS)))
    assert sum(counts.values()) == REQUESTS
    # Nothing is left: no connection, no waiting request, no lost handler, no changed result.
    until(lambda: not _connections(http, target.port), 30)
    assert target.handlers() == handlers
    assert not target.events("library")
    assert not [event for event in target.events("request") if event["status"] == 500]
    again = target.post(COMPARE, pair)
    assert again.json()["verification_score"] == expected
    assert http.num_fds() < 60
    after = target.memory_at_rest()
    print(f"{REQUESTS} requests {counts}, memory {before >> 20} MiB before, {after >> 20} MiB after")
    assert after < 1.1 * before


def _http_process(service: Service) -> psutil.Process:
    (models,) = [event["pid"] for event in service.events("models_loaded")]
    return next(child for child in psutil.Process(service.process.pid).children() if child.pid != models)


def _connections(http: psutil.Process, port: int) -> list[Any]:
    """Open connections of clients; the listener is none."""
    found = http.net_connections("tcp")
    return [one for one in found if one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED]
