"""An API and workers, each on a host of its own, with TLS and keys on the way; and clients that ask without end."""

from __future__ import annotations

import contextlib
import random
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from senseid_client import Client, ClientError, UnreachableError
from tests.deploy.hosts import Network, address
from tests.service.conftest import (
    KEY,
    Service,
    certificate,
    command,
    environment,
    running,
    until,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORKERS = 3
CLIENT_KEY, WORKER_KEY = "key-of-a-client", "key-of-the-workers"
PAIRS = [("obama", "obama2"), ("obama", "biden"), ("obama2", "obama3"), ("biden", "obama3")]


class Farm:
    """An API, or two, and workers, each on a host of its own, for which it has a licence."""

    def __init__(self, net: Network, folder: Path) -> None:
        """Start nothing yet."""
        self.net = net
        self.folder = folder
        self.homes = [folder / f"home{worker}" for worker in range(WORKERS)]
        for worker, home in enumerate(self.homes):
            self.run(worker, home, "license", "quickstart")
        addresses = [address(worker, far=True) for worker in range(WORKERS)]
        self.cert, self.cert_key = certificate(folder, net.api, *addresses)
        self.tls = ssl.create_default_context(cafile=self.cert)
        self._ends: dict[str, contextlib.ExitStack] = {}
        self._running: dict[str, Service] = {}
        self.past: list[Service] = []

    def start(self) -> None:
        """Start the workers and one API."""
        for worker in range(WORKERS):
            self.start_worker(worker)
        self.start_api(3000)
        until(lambda: len(self.api.events("worker_up")) == WORKERS)

    def run(self, worker: int, home: Path, *words: str) -> bytes:
        """What a command on a worker's host prints."""
        line = self.net.command(f"worker{worker}", *command(*words))
        done = subprocess.run(line, env=environment(home), capture_output=True, check=False)
        assert done.returncode in {0, 1}, done.stderr  # 1: another person
        return done.stdout

    @property
    def api(self) -> Service:
        return self._running["api3000"]

    def worker(self, number: int) -> Service:
        return self._running[f"worker{number}"]

    def start_worker(self, number: int) -> None:
        here = {"SENSEID_HOST": address(number, far=True), "SENSEID_PORT": "50050", "HANDLERS": "1"}
        self._start(f"worker{number}", f"worker{number}", self.homes[number], "worker", here)

    def start_api(self, port: int) -> None:
        workers = ",".join(f"https://{address(worker, far=True)}:50050" for worker in range(WORKERS))
        settings = {
            "SENSEID_HOST": self.net.api, "SENSEID_PORT": str(port), "SENSEID_API_KEY": CLIENT_KEY,
            "WORKER_IP": workers, "SENSEID_WORKER_CA": str(self.cert),
            "PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": "",
        }  # fmt: skip
        self._start(f"api{port}", "api", self.folder / "none", "api", settings)

    def _start(self, name: str, host: str, home: Path, role: str, settings: dict[str, str]) -> None:
        settings |= {"SENSEID_WORKER_KEY": WORKER_KEY}
        settings |= {"SENSEID_TLS_CERT": str(self.cert), "SENSEID_TLS_KEY": str(self.cert_key)}
        within = self.net.command(host)
        started = running(home, self.folder, "--role", role, env=settings, healthy=False, within=within)
        self._ends[name] = contextlib.ExitStack()
        self._running[name] = self._ends[name].enter_context(started)
        if role == "worker":
            until(lambda: self._running[name].events("handler_ready"))

    def stop(self, name: str) -> Service:
        """Stop it as an init system does, and see that it ended well."""
        service = self._running.pop(name)
        self.past.append(service)
        self._ends.pop(name).close()
        return service

    def kill(self, name: str) -> None:
        """End all its processes at once, as a host does whose power fails."""
        for process in self._running[name].processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._running[name].process.wait(10)
        self.stop(name)

    def freeze(self, number: int) -> Callable[[], None]:
        """Stop the time of a worker; gives back how to let it go on."""
        processes = self.worker(number).processes()
        for process in processes:
            process.suspend()

        def go_on() -> None:
            for process in processes:
                process.resume()

        return go_on

    def close(self) -> None:
        """Stop everything, the APIs first."""
        for name in sorted(self._running):
            self.stop(name)

    def requests_of(self, number: int) -> int:
        """How many requests a worker has answered since it started."""
        return sum(event["code"] == 1000 for event in self.worker(number).events("request"))

    def knows(self, number: int, event: str, after: int) -> bool:
        """Whether the API has logged this of a worker, beyond so many events."""
        url = f"https://{address(number, far=True)}:50050"
        return any(line.get("worker") == url for line in self.api.events()[after:] if line["event"] == event)

    def services(self) -> list[Service]:
        """All that run or have run."""
        return [*self.past, *self._running.values()]


@dataclass(frozen=True)
class Outcome:
    """What became of a request; times are monotonic."""

    begin: float
    end: float
    pair: tuple[str, str]
    score: float
    request_id: str
    trouble: str

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass
class Load:
    """Clients that ask one request after another until the load ends; where no API listens at a port, at the next."""

    farm: Farm
    photos: dict[str, bytes]
    clients: int
    pause: float = 0.0
    ports: tuple[int, ...] = (3000,)
    outcomes: list[Outcome] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for number in range(self.clients):
            thread = threading.Thread(target=self._ask_on, args=(number,))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a request has no answer"

    def _ask_on(self, number: int) -> None:
        chosen = random.Random(number)
        while not self._over.wait(self.pause):
            pair = chosen.choice(PAIRS)
            begin = time.monotonic()
            score, request_id, trouble = self._ask(pair)
            self.outcomes.append(Outcome(begin, time.monotonic(), pair, score, request_id, trouble))

    def _ask(self, pair: tuple[str, str]) -> tuple[float, str, str]:
        trouble = ""
        for port in self.ports:
            url = f"https://{self.farm.net.api}:{port}"
            client = Client(url, KEY, api_key=CLIENT_KEY, tls=self.farm.tls, timeout=60)
            try:
                found = client.compare(*(self.photos[name] for name in pair))
            except UnreachableError as error:
                trouble = str(error)
                if not isinstance(error.__cause__, ConnectionRefusedError):
                    break
            except ClientError as error:
                trouble = str(error)
                break
            else:
                return found.verification_score, found.request_id, ""
        return 0.0, "", trouble

    def go_on_for(self, seconds: float) -> list[Outcome]:
        """What is answered from now on."""
        before = len(self.outcomes)
        time.sleep(seconds)
        return self.outcomes[before:]
