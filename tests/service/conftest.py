"""The real service, as processes, on free ports, with a real licence, on real photos."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from PIL import Image

from senseid_crypto.key import Key, parse_key
from senseid_crypto.wire import encrypt_bytes
from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


COMPARE = "/identity/image_verification/stateless"
QUALITY = "/quality/face/stateless"
OMNI = "/identity/multiface_image_omni_verification/stateless"
FIVE_MEBIBYTES = 5 * 1024 * 1024
KEY = parse_key("tests-have-a-key-of-32-character", "and-12-for-i")
START_SECONDS = 120.0


def until(condition: Any, seconds: float = START_SECONDS) -> Any:
    """What the condition gives once it gives something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
    return found


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@dataclass
class Service:
    """A running `senseid serve`."""

    process: subprocess.Popen[bytes]
    log: Path
    home: Path
    scheme: str = "http"
    clients: list[httpx.Client] = field(default_factory=list)

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The log's lines, or those of one kind; the last may still be on its way."""
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [event for event in found if isinstance(event, dict) and name in {None, event["event"]}]

    def requests(self, code: int, count: int = 1) -> list[dict[str, Any]]:
        """The log's lines of requests with this code, once there are so many: a line comes after its answer."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events("request") if event["code"] == code]

        until(lambda: len(found()) >= count, 10)
        return found()

    @property
    def addresses(self) -> list[str]:
        """Where it listens: the API or the worker, the worker of the role `all`, the metrics."""
        return [f"{self.scheme}://{address}" for address in self.events("serving")[-1]["listening"]]

    @property
    def url(self) -> str:
        return self.addresses[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def client(self) -> httpx.Client:
        """A client of its own for each service; it keeps its connections."""
        if not self.clients:
            self.clients.append(httpx.Client(base_url=self.url, timeout=60, trust_env=False))
        return self.clients[0]

    def post(self, path: str, fields: Mapping[str, str | list[str]], **options: Any) -> httpx.Response:
        """A urlencoded form."""
        return self.client.post(path, data=dict(fields), **options)

    def is_healthy(self) -> bool:
        try:
            return httpx.get(self.url + "/healthcheck", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def handlers(self) -> list[int]:
        """Process ids of the handlers that live."""
        lost = {event["handler"] for name in ("handler_lost", "handler_replaced") for event in self.events(name)}
        return [event["handler"] for event in self.events("handler_ready") if event["handler"] not in lost]

    def processes(self) -> list[psutil.Process]:
        """The supervisor first, then all that it started; handlers outlive the model process that they come of."""
        first = psutil.Process(self.process.pid)
        found = {each.pid: each for each in (first, *first.children(recursive=True))}
        for pid in self.handlers():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.setdefault(pid, psutil.Process(pid))
        return list(found.values())

    def roles(self) -> dict[str, list[int]]:
        """The process ids of what the supervisor started and lives, by what they do."""
        models = self.events("models_loaded")[-1]["pid"]
        handlers = set(self.handlers())
        found: dict[str, list[int]] = {"models": [], "handler": [], "http": []}
        for process in self.processes()[1:]:
            kind = "models" if process.pid == models else "handler" if process.pid in handlers else "http"
            found[kind].append(process.pid)
        return found

    def memory_at_rest(self) -> int:
        """Bytes that all of it takes, what processes share once, when they have given back what they worked in."""
        time.sleep(4)
        return sum(process.memory_full_info().pss for process in self.processes())

    def close_clients(self) -> None:
        """Close the connections that it kept."""
        for client in self.clients:
            client.close()

    def stop(self) -> int:
        """Stop it as an init system does."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Of a process: without whatever settings the tests themselves run under."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SENSEID_", "PARAM_"))}
    keys = {"PARAM_DECRYPT_KEY": KEY.secret.decode(), "PARAM_DECRYPT_IV": KEY.fixed_iv.decode()}
    return {**plain, "SENSEID_HOME": str(home), **keys, **(extra or {})}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "senseid_cli", *words]


@contextlib.contextmanager
def running(
    home: Path,
    folder: Path,
    *words: str,
    env: Mapping[str, str] | None = None,
    healthy: bool = True,
    within: Sequence[str] = (),
) -> Iterator[Service]:
    """A service on free ports, stopped at the end. Its working directory holds no `.env` but one that a test wrote.

    A command `within` which it is to run is put in front of it.
    """
    log = folder / f"log-{time.monotonic_ns()}"
    settings = {"SENSEID_PORT": "0", "SENSEID_WORKER_PORT": "0", **(env or {})}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*within, *command("serve", *words)], stderr=file, stdout=file, env=environment(home, settings), cwd=folder
        )
    service = Service(process, log, home)
    if "SENSEID_TLS_CERT" in settings:
        service.scheme = "https"
    try:
        until(lambda: service.events("serving") or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        if healthy:
            until(lambda: service.is_healthy() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
        yield service
    finally:
        # A test may have ended the process itself: its clients are closed in any case.
        service.close_clients()
        if process.poll() is None:
            assert service.stop() == 0
        assert b"Traceback" not in log.read_bytes()


def certificate(folder: Path, *addresses: str) -> tuple[Path, Path]:
    """The files of a certificate for these addresses, which is its own authority, and of its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def make_home(folder: Path, now: datetime | None = None) -> Path:
    """A data directory with licences for everything, of 30 days."""
    renew(folder, now)
    return folder


def renew(folder: Path, now: datetime | None = None, days: int = 30) -> None:
    """Licences that begin now, or at that time."""
    from senseid.version import __version__

    context = context_here(now=now or datetime.now(UTC), version=__version__)
    quickstart(LicenceStore(folder), context, licensee="tests", entropy=os.urandom, days=days)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def service(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of a small site: everything in one place."""
    folder = tmp_path_factory.mktemp("service")
    with running(home, folder, "--metrics", "0", env={"SENSEID_WORKER_PORT": str(free_port())}) as found:
        yield found


def encrypted(data: bytes, key: Key = KEY) -> str:
    """As clients send it."""
    return encrypt_bytes(data, key).decode()


def jpeg(photo: Image.Image, **options: Any) -> bytes:
    """The photo as a file."""
    file = io.BytesIO()
    photo.convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def small_photos(sample_photos: dict[str, Path]) -> dict[str, bytes]:
    """The sample photos at a size that is quick to look at."""

    small = {}
    for name, path in sample_photos.items():
        with Image.open(path) as photo:
            photo.thumbnail((320, 320))
            small[name.removesuffix(".jpg")] = jpeg(photo)
    return small


@pytest.fixture(scope="session")
def photos(small_photos: dict[str, bytes]) -> dict[str, str]:
    """The same, encrypted."""
    return {name: encrypted(data) for name, data in small_photos.items()}


@pytest.fixture(scope="session")
def pair(photos: dict[str, str]) -> dict[str, str]:
    """The form of a comparison of one person with himself."""
    return {"first_encrypted_image": photos["obama"], "second_encrypted_image": photos["obama2"]}


def check_error(response: httpx.Response, status: int, code: int, message: str) -> None:
    """An error is those three fields, always."""
    assert response.status_code == status
    body = response.json()
    assert list(body) == ["code", "message", "request_id"]
    assert (body["code"], body["message"]) == (code, message)
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
    assert response.headers["x-request-id"] == body["request_id"]
    assert response.headers["content-type"] == "application/json"


def invalid(response: httpx.Response) -> None:
    check_error(response, 400, 1200, "invalid argument")


def blank(width: int, height: int) -> bytes:
    return jpeg(Image.new("RGB", (width, height), "grey"))


def padded(data: bytes, length: int) -> bytes:
    """A JPEG of exactly that many bytes: what follows its end is ignored."""
    return data + bytes(length - len(data))


def raw(service: Service, data: bytes) -> bytes:
    """What a connection answers to these bytes, until it closes."""
    with socket.create_connection(("127.0.0.1", service.port), 30) as sock:
        sock.sendall(data)
        answer = b""
        while part := sock.recv(65536):
            answer += part
    return answer
