"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from tests.counts import count
from tests.service.conftest import (
    COMPARE,
    running,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

KILLS = count(6, 40)


class Load:
    """Clients that ask again and again; what each was told is kept."""

    def __init__(self, url: str, form: dict[str, str], clients: int = 3) -> None:
        self.answers: list[tuple[float, int, Any]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url, form)) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str, form: dict[str, str]) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(url + COMPARE, data=form)
                    self.answers.append((time.monotonic(), response.status_code, response.json()))
                except httpx.HTTPError as error:
                    self.answers.append((time.monotonic(), 0, type(error).__name__))

    def good_since(self, moment: float) -> int:
        return sum(1 for at, status, _ in self.answers if at > moment and status == 200)


def check_answers(load: Load, *, resets: bool) -> None:
    """Every request got a result or a clear error; a connection is cut only where its own HTTP process was killed."""
    scores = set()
    for _, status, body in load.answers:
        if status == 200:
            scores.add(body["verification_score"])
        elif status:
            assert status in {500, 503}
            assert set(body) == {"code", "message", "request_id"}
        else:
            assert resets, body
    assert len(scores) == 1


@pytest.mark.slow
def test_a_killed_handler_loses_no_answer(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    count = min(2, psutil.cpu_count(logical=False) or 1)
    with running(home, tmp_path, env={"HANDLERS": str(count)}) as service:
        until(lambda: len(service.handlers()) == count)
        with Load(service.url, pair) as load:
            until(lambda: load.answers)
            victim = service.handlers()[0]
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: victim not in service.handlers() and len(service.handlers()) == count, 3)
            until(lambda: load.good_since(killed) >= 4)
        check_answers(load, resets=False)
        assert {status for _, status, _ in load.answers} == {200}
        assert service.events("handler_lost")


@pytest.mark.slow
def test_every_process_may_be_killed(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    """The model process without anybody noticing; the HTTP process at the price of its open connections."""
    with running(home, tmp_path) as service:
        (models,) = [event["pid"] for event in service.events("models_loaded")]
        children = {child.pid for child in psutil.Process(service.process.pid).children()}
        (http,) = children - {models}
        with Load(service.url, pair) as load:
            until(lambda: load.answers)
            os.kill(models, signal.SIGKILL)
            until(lambda: len(service.events("models_loaded")) == 2)
            assert {status for _, status, _ in load.answers} == {200}
            os.kill(http, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: load.good_since(killed) >= 2)
        check_answers(load, resets=True)
        # Handlers of the dead HTTP process have gone with it.
        cores = psutil.cpu_count() or 1
        until(lambda: len(psutil.Process(service.process.pid).children(recursive=True)) <= 2 + cores)
        assert [event["process"] for event in service.events("process_ended")] == ["models", "http"]


@pytest.mark.slow
def test_kills_at_random_moments(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    """Handlers, model and HTTP processes, under load: each request is answered, and what was there is there again."""
    source = random.Random(5)
    killed: Counter[str] = Counter()
    with running(home, tmp_path, env={"HANDLERS": "2"}) as service:
        until(lambda: len(service.handlers()) == 2)
        for _ in range(20):
            assert service.post(COMPARE, pair).status_code == 200
        before = service.memory_at_rest()
        with Load(service.url, pair, clients=4) as load:
            for _ in range(KILLS):
                time.sleep(source.uniform(0.0, 1.5))
                kind = source.choice(["handler", "handler", "handler", "models", "http"])
                victims = service.roles()[kind]
                if victims:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(source.choice(victims), signal.SIGKILL)
                    killed[kind] += 1
                if source.random() < 0.5:  # else the next one comes while this one is being mended
                    moment = time.monotonic()
                    until(lambda moment=moment: load.good_since(moment) >= 1)
            moment = time.monotonic()
            until(lambda: load.good_since(moment) >= 8)
        check_answers(load, resets=True)
        kinds = Counter(body if status == 0 else status for _, status, body in load.answers)
        until(lambda: len(service.processes()) == 5)  # supervisor, model and HTTP process, two handlers
        for _ in range(20):
            assert service.post(COMPARE, pair).status_code == 200
        after = service.memory_at_rest()
        memory = f"memory {before >> 20} MiB before, {after >> 20} MiB after"
        print(f"kills {dict(killed)}, answers {dict(kinds)}, {memory}")
        assert after < 1.1 * before


def test_nothing_outlives_a_killed_supervisor(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path) as service:
        processes = psutil.Process(service.process.pid).children(recursive=True)
        service.process.kill()
        service.process.wait()
        gone, alive = psutil.wait_procs(processes, timeout=20)
        assert not alive
        assert len(gone) >= 3


def test_a_stop_finishes_what_runs(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    with running(home, tmp_path) as service:
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(service.post(COMPARE, pair)))
        thread.start()
        time.sleep(0.15)  # it is on its way, or with a handler
        service.process.send_signal(signal.SIGTERM)
        thread.join(60)
        assert [answer.status_code for answer in answers] == [200]
        assert service.process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(service.url + "/healthcheck", trust_env=False)
        assert [event["event"] for event in service.events()][-1] == "stopped"
