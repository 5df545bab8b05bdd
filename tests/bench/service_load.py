"""`senseid serve` under load: throughput against the engine in process, latency at 80 % load, overload, kill -9.

Everything is measured over HTTP, against processes on this machine, with photos encrypted as clients do it. The clients
run on the same CPUs as the service, so what they take counts against it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from senseid.installation import cpus
from senseid.version import __version__
from senseid_crypto.key import generate_key
from senseid_crypto.wire import encrypt_bytes
from senseid_engine.engine import Engine
from senseid_engine.image import decode_image
from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_models.registry import Registry
from tests.bench.report import Promise, Report, Row, at_least, at_most, interleave, parser_of, run
from tests.bench.surroundings import sample_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from senseid_crypto.key import Key

NAME = "service_load"
COMPARE = "/identity/image_verification/stateless"
SAMPLES = ("obama.jpg", "obama2.jpg")

LEAST_OF_ENGINE = 0.85
MOST_P99 = 4.0
LOAD = 0.8
RECOVERY_SECONDS = 5.0
BACK_SECONDS = 3.0
MOST_GROWTH = 0.05
"""Of the memory between the second quarter of an overload and the last: allocators are full by then, a leak is not."""

SEED = 7


@dataclass
class Served:
    """A running service and the request that it is asked."""

    process: subprocess.Popen[bytes]
    log: Path
    body: bytes
    port: int = 0
    answers: list[tuple[float, float, int]] = field(default_factory=list)

    def events(self, name: str) -> list[dict[str, Any]]:
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [event for event in found if isinstance(event, dict) and event.get("event") == name]

    def ask(
        self,
        connection: http.client.HTTPConnection | None = None,
        *,
        path: str = COMPARE,
        body: bytes | None = None,
    ) -> tuple[float, int]:
        """Seconds and status of one request, a comparison if no other; status 0 where the connection was cut."""
        begin = time.perf_counter()
        own = connection or self.connect()
        try:
            own.request("POST", path, body or self.body, {"Content-Type": "application/x-www-form-urlencoded"})
            response = own.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            own.close()
            status = 0
        if connection is None:
            own.close()
        return time.perf_counter() - begin, status

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def closed_loop(self, clients: int, seconds: float) -> list[tuple[float, float, int]]:
        """So many clients that ask again at once: when each answer came, how long it took, its status."""
        answers: list[tuple[float, float, int]] = []
        end = time.perf_counter() + seconds

        def client() -> None:
            connection = self.connect()
            while time.perf_counter() < end:
                took, status = self.ask(connection)
                answers.append((time.perf_counter(), took, status))
                if status == 503:
                    time.sleep(0.05)
            connection.close()

        _together([client] * clients)
        return answers

    def open_loop(self, rate: float, requests: int) -> list[tuple[float, int]]:
        """Requests that come at random at that rate, whether or not the service keeps up."""
        source = random.Random(SEED)
        due, at = [], 0.0
        for _ in range(requests):
            at += source.expovariate(rate)
            due.append(at)
        begin = time.perf_counter()

        def one(moment: float) -> tuple[float, int]:
            time.sleep(max(0.0, begin + moment - time.perf_counter()))
            sent = time.perf_counter() - begin - moment
            took, status = self.ask()
            return took + max(0.0, sent), status

        with ThreadPoolExecutor(requests) as pool:
            return list(pool.map(one, due))

    def memory(self) -> float:
        """Proportional set size of all its processes, in MB: what several share is counted once."""
        import psutil

        total = 0
        root = psutil.Process(self.process.pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024


@contextlib.contextmanager
def serving(photos: list[bytes], key: Key, home: Path, handlers: int | None = None) -> Iterator[Served]:
    """The service of a small site on this machine; so many handlers, if not as many as it takes by itself."""
    log = home / "log"
    fields = {f"{which}_encrypted_image": encrypt_bytes(data, key) for which, data in zip(("first", "second"), photos)}  # noqa: B905
    assert key.iv is not None
    env = {
        **os.environ,
        "SENSEID_HOME": str(home),
        "PARAM_DECRYPT_KEY": key.secret.decode(),
        "PARAM_DECRYPT_IV": key.iv.decode(),
        "SENSEID_PORT": "0",
        "SENSEID_WORKER_PORT": "0",
        **({"HANDLERS": str(handlers)} if handlers is not None else {}),
    }
    with log.open("wb") as file:
        command = [sys.executable, "-m", "senseid_cli", "serve"]
        process = subprocess.Popen(command, stderr=file, env=env, cwd=home)
    served = Served(process, log, urlencode(fields).encode())
    try:
        while len(served.events("handler_ready")) < (handlers or min(cpus())):
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        served.port = int(served.events("serving")[0]["listening"][0].rpartition(":")[2])
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def measure(seconds: float, rounds: int, requests: int, overload_seconds: float) -> Report:
    """Everything, in one service."""
    photos = sample_photos(*SAMPLES)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        store = LicenceStore(home)
        context = context_now()
        quickstart(store, context, licensee="bench", entropy=os.urandom)
        licences = store.verify_all(context)
        engines = {
            "one caller, all CPUs": (Engine.open(Registry.builtin(), licences, threads=cpus()[1]), 1),
            "a caller a CPU": (Engine.open(Registry.builtin(), licences, threads=1), cpus()[1]),
        }
        with serving(photos, generate_key(os.urandom), home) as served:
            rows, promises, capacity = _throughput(served, engines, photos, seconds, rounds)
            del engines
            latency_rows, latency_promises, slowest = _latency(served, capacity, requests)
            overload_rows, overload_promises = _overload(served, overload_seconds, slowest)
            rows += latency_rows + overload_rows
            promises += latency_promises + overload_promises + _kill(served)
    return Report(
        title="the HTTP service under load: comparisons of two photos",
        counts=f"{rounds} rounds of {seconds:g} s each in turn; {requests} requests at {LOAD:.0%} load;"
        f" {overload_seconds:g} s of overload",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=("The clients run on the CPUs of the service.",),
    )


def context_now() -> Any:
    """What licences are made and judged by, here and now."""
    from datetime import UTC, datetime

    return context_here(now=datetime.now(UTC), version=__version__)


def _throughput(
    served: Served, engines: dict[str, tuple[Engine, int]], photos: list[bytes], seconds: float, rounds: int
) -> tuple[list[Row], list[Promise], float]:
    rates: dict[str, list[float]] = {name: [] for name in (*engines, "service")}

    def in_process(name: str) -> Callable[[], None]:
        engine, callers = engines[name]

        def step() -> None:
            end = time.perf_counter() + seconds
            done: list[float] = []

            def caller() -> None:
                while time.perf_counter() < end:
                    first, second = (decode_image(data, name="photo") for data in photos)
                    engine.compare(first, second)
                    done.append(time.perf_counter())

            begin = time.perf_counter()
            _together([caller] * callers)
            rates[name].append(len(done) / (max(done) - begin))

        return step

    def over_http() -> None:
        begin = time.perf_counter()
        answers = served.closed_loop(2 * cpus()[1], seconds)
        good = [at for at, _, status in answers if status == 200]
        rates["service"].append(len(good) / (max(good) - begin))

    interleave(rounds, 1, [*(in_process(name) for name in engines), over_http])
    rows = [Row(f"throughput, {name}", "1/s", tuple(values[1:])) for name, values in rates.items()]
    ratios = tuple(
        service / max(others)
        for service, *others in zip(rates["service"][1:], *(rates[n][1:] for n in engines))  # noqa: B905
    )
    ratio = Row("service / the better engine", "", ratios)
    promise = at_least("throughput of the service / that of the engine in process", ratio.median, LEAST_OF_ENGINE)
    return [*rows, ratio], [promise], statistics.median(rates["service"][1:])


def _latency(served: Served, capacity: float, requests: int) -> tuple[list[Row], list[Promise], float]:
    answers = served.open_loop(LOAD * capacity, requests)
    times = sorted(took for took, status in answers if status == 200)
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, round(0.99 * len(times)))]
    rows = [Row(f"latency at {LOAD:.0%} load, random arrivals", "ms", tuple(1000 * took for took in times))]
    promise = at_most(f"p99 / p50 at {LOAD:.0%} load", p99 / p50, MOST_P99)
    refused = sum(status != 200 for _, status in answers)
    return rows, [promise, at_most("refused at that load", refused, 0)], p99


def _overload(served: Served, seconds: float, slowest: float) -> tuple[list[Row], list[Promise]]:
    """Overload, and how long it takes until a request is answered within what 80 % load takes at its slowest."""
    memory: list[float] = []
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(max(0.5, seconds / 200)):
            memory.append(served.memory())

    answers: list[tuple[float, float, int]] = []
    # More clients than the queue and the handlers hold: some are always told to come again.
    crowd = threading.Thread(target=lambda: answers.extend(served.closed_loop(100, seconds)))
    sampler = threading.Thread(target=sample)
    for thread in (crowd, sampler):
        thread.start()
    time.sleep(seconds)
    stop.set()
    # No more are sent from here on; those that wait are still there.
    begin = time.perf_counter()
    while (answer := served.ask())[1] != 200 or answer[0] > slowest:
        time.sleep(0.05)
    recovered = time.perf_counter() - begin
    for thread in (crowd, sampler):
        thread.join()
    statuses = {status for _, _, status in answers}
    quarter = len(memory) // 4
    growth = statistics.median(memory[-quarter:]) / statistics.median(memory[quarter : 2 * quarter]) - 1
    good = sum(status == 200 for _, _, status in answers)
    rows = [
        Row("memory of all processes under overload", "MB", tuple(memory)),
        Row("answers under overload", "1/s", (good / seconds,)),
        Row("refused under overload (503)", "1/s", (sum(status == 503 for _, _, status in answers) / seconds,)),
    ]
    return rows, [
        at_most("growth of memory under overload", growth, MOST_GROWTH),
        at_most("recovery after overload", recovered, RECOVERY_SECONDS, unit="s"),
        Promise("under overload every request is answered 200 or 503", str(sorted(statuses)), statuses <= {200, 503}),
    ]


def _kill(served: Served) -> list[Promise]:
    lost = {event["handler"] for event in served.events("handler_lost")}
    alive = [event["handler"] for event in served.events("handler_ready") if event["handler"] not in lost]
    answers: list[tuple[float, float, int]] = []
    client = threading.Thread(target=lambda: answers.extend(served.closed_loop(2 * cpus()[1], 8)))
    client.start()
    time.sleep(2)
    os.kill(alive[0], signal.SIGKILL)
    begin = time.perf_counter()
    while len(served.events("handler_ready")) == len(alive) + len(lost):
        time.sleep(0.005)
    back = time.perf_counter() - begin
    client.join()
    statuses = sorted({status for _, _, status in answers})
    return [
        at_most("a handler is back after kill -9", back, BACK_SECONDS, unit="s"),
        Promise("no answer is lost by kill -9 of a handler", f"statuses {statuses}", statuses == [200]),
    ]


def _together(steps: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=step) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "The HTTP service under load.")
    parser.add_argument("--seconds", type=float, default=10, metavar="S", help="of a round (default: 10)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds to measure (default: 5)")
    parser.add_argument("--requests", type=int, default=300, metavar="N", help="at 80 %% load (default: 300)")
    parser.add_argument("--overload", type=float, default=60, metavar="S", help="of overload (default: 60)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.seconds, words.rounds, words.requests, words.overload), words.json)


if __name__ == "__main__":
    sys.exit(main())
