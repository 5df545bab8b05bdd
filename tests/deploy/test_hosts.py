"""An API and three workers on hosts of their own, joined by wires that are slow, lossy or cut, with TLS and keys."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from senseid_client import Client, ClientError, UnreachableError
from tests.deploy.farm import CLIENT_KEY, PAIRS, WORKERS, Farm, Load, Outcome
from tests.deploy.hosts import address, network
from tests.service.conftest import (
    COMPARE,
    KEY,
    until,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.slow

NOTICED_SECONDS = 15.0
"""How soon a worker is out of the rotation, or back in it."""

FULL = os.environ.get("SENSEID_FULL") == "1"
FAULT_SECONDS = 1800.0 if FULL else 80.0
FAULT_EVERY = 20.0


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    with network(WORKERS) as net:
        found = Farm(net, tmp_path_factory.mktemp("farm"))
        try:
            found.start()
            yield found
        finally:
            found.close()


@pytest.fixture(autouse=True)
def mended(farm: Farm) -> Iterator[None]:
    """Every wire is perfect again after a test."""
    yield
    for worker in range(WORKERS):
        farm.net.wire(worker)


@pytest.fixture(scope="module")
def truth(
    farm: Farm, small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], float]:
    """The score of each pair, as the command line says it."""
    folder = tmp_path_factory.mktemp("truth")
    for name, data in small_photos.items():
        (folder / f"{name}.jpg").write_bytes(data)
    found = {}
    for first, second in PAIRS:
        said = farm.run(0, farm.homes[0], "compare", f"{folder}/{first}.jpg", f"{folder}/{second}.jpg", "--json")
        found[first, second] = json.loads(said)["verification_score"]
    return found


def check(outcomes: Sequence[Outcome], truth: dict[tuple[str, str], float]) -> None:
    """Every request has one answer, and the right one."""
    assert outcomes
    assert [each.trouble for each in outcomes if each.trouble] == []
    assert [each for each in outcomes if abs(each.score - truth[each.pair]) > 1e-6] == []
    assert len({each.request_id for each in outcomes}) == len(outcomes)


def test_requests_go_by_tls_and_with_keys(
    farm: Farm, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    with Load(farm, small_photos, 3) as load:
        until(lambda: all(farm.requests_of(worker) for worker in range(WORKERS)))
    check(load.outcomes, truth)
    stranger = Client(f"https://{farm.net.api}:3000", KEY, api_key="another", tls=farm.tls)
    with pytest.raises(ClientError, match="HTTP 401"):
        stranger.compare(small_photos["obama"], small_photos["obama2"])
    with pytest.raises(UnreachableError, match="certificate"):
        Client(f"https://{farm.net.api}:3000", KEY, api_key=CLIENT_KEY).health()
    # Whoever stands where the API stands, and has its certificates, but not the key of the workers.
    url = f"https://{address(0, far=True)}:50050{COMPARE}"
    ask = (
        "import httpx, ssl, sys\n"
        f"tls = ssl.create_default_context(cafile={str(farm.cert)!r})\n"
        f"print(httpx.post({url!r}, verify=tls, headers={{'x-api-key': {CLIENT_KEY!r}}}).status_code)"
    )
    words = farm.net.command("api", sys.executable, "-c", ask)
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "401\n"


def test_a_network_with_delay_and_loss(
    farm: Farm, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    for worker in range(WORKERS):
        farm.net.wire(worker, delay=0.03, loss=0.02)
    with Load(farm, small_photos, 3) as load:
        load.go_on_for(10)
    check(load.outcomes, truth)


def back_in_rotation(farm: Farm, worker: int) -> None:
    before = farm.requests_of(worker)
    until(lambda: farm.requests_of(worker) > before + 1, 60)


@pytest.mark.parametrize("trouble", ["cut", "frozen", "dead"])
def test_a_worker_that_is_gone_leaves_the_rotation_and_comes_back(
    farm: Farm, trouble: str, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    with Load(farm, small_photos, 4) as load:
        load.go_on_for(2)
        seen, repair = len(farm.api.events()), lambda: farm.start_worker(1)
        if trouble == "cut":
            farm.net.wire(1, loss=1)
            repair = lambda: farm.net.wire(1)  # noqa: E731
        elif trouble == "frozen":
            repair = farm.freeze(1)
        else:
            farm.kill("worker1")
        begin = time.monotonic()
        until(lambda: farm.knows(1, "worker_down", seen), NOTICED_SECONDS)
        time.sleep(NOTICED_SECONDS - (time.monotonic() - begin))
        meanwhile = load.go_on_for(5)
        seen = len(farm.api.events())
        repair()
        until(lambda: farm.knows(1, "worker_up", seen), NOTICED_SECONDS)
        back_in_rotation(farm, 1)
    check(load.outcomes, truth)
    assert max(each.seconds for each in load.outcomes) < NOTICED_SECONDS
    # The others work on as if it had never been there.
    assert len(meanwhile) >= 4
    assert max(each.seconds for each in meanwhile) < 8


@pytest.mark.parametrize("trouble", ["wire", "handler"])
def test_a_slow_worker_leaves_the_rotation_and_comes_back(
    farm: Farm, trouble: str, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    with Load(farm, small_photos, 4) as load:
        load.go_on_for(2)
        seen = len(farm.api.events())
        stuck = [psutil.Process(pid) for pid in farm.worker(2).roles()["handler"] if trouble == "handler"]
        for process in stuck:
            process.suspend()
        if trouble == "wire":
            farm.net.wire(2, rate=3000)
        until(lambda: farm.knows(2, "worker_left_out", seen), 60)
        before = farm.requests_of(2)
        meanwhile = load.go_on_for(6)
        # But for what was under way to it.
        assert farm.requests_of(2) <= before + 2
        assert len(meanwhile) >= 4
        for process in stuck:
            process.resume()
        farm.net.wire(2)
        until(lambda: farm.knows(2, "worker_taken_back", seen), 120)
        back_in_rotation(farm, 2)
    check(load.outcomes, truth)


def test_an_upgrade_of_everything_under_load(
    farm: Farm, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    """One worker after another, then one of two APIs, then the other: each finishes what it has begun."""
    with Load(farm, small_photos, 4, ports=(3000, 3001)) as load:
        for worker in range(WORKERS):
            seen = len(farm.api.events())
            farm.stop(f"worker{worker}")
            farm.start_worker(worker)
            until(lambda: farm.knows(worker, "worker_up", seen), NOTICED_SECONDS)  # noqa: B023  called here
            back_in_rotation(farm, worker)
        farm.start_api(3001)
        until(lambda: len(farm._running["api3001"].events("worker_up")) == WORKERS)
        farm.stop("api3000")
        load.go_on_for(2)
        farm.start_api(3000)
        until(lambda: len(farm.api.events("worker_up")) == WORKERS)
        farm.stop("api3001")
    check(load.outcomes, truth)


def test_throughput_grows_with_the_workers(
    farm: Farm, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    """Where the wires limit it, and not the processors, which all hosts here share."""
    rates = []
    for many in (1, WORKERS):
        for worker in range(WORKERS):
            farm.net.wire(worker, rate=25_000, loss=float(worker >= many))
        until(lambda: _healthy(farm) == many, 60)  # noqa: B023  called here
        with Load(farm, small_photos, many) as load:
            load.go_on_for(5)
            rates.append(len(load.go_on_for(40)) / 40)
        check(load.outcomes, truth)
    print(f"requests a second of 1 worker: {rates[0]:.2f}; of {WORKERS}: {rates[1]:.2f}")
    assert rates[1] > 2 * rates[0]


def _healthy(farm: Farm) -> int:
    up: dict[str, bool] = {}
    for event in farm.api.events():
        if event["event"] in {"worker_up", "worker_down"}:
            up[event["worker"]] = event["event"] == "worker_up"
    return sum(up.values())


def test_faults_one_after_another(
    farm: Farm, small_photos: dict[str, bytes], truth: dict[tuple[str, str], float]
) -> None:
    """A fault every 20 seconds: for a minute or so, or half an hour with SENSEID_FULL=1."""
    chosen, calm, memory = random.Random(19), [], []
    faults = ["cut", "dead", "slow", "lossy", "frozen", "upgraded"]
    with Load(farm, small_photos, 3, pause=0.3) as load:
        load.go_on_for(10)
        end, number = time.monotonic() + FAULT_SECONDS, 0
        while time.monotonic() < end:
            begin, worker = time.monotonic(), chosen.randrange(WORKERS)
            kind = faults[number % len(faults)]
            number += 1
            if kind == "upgraded":
                farm.stop(f"worker{worker}")
                farm.start_worker(worker)
            elif kind == "dead":
                farm.kill(f"worker{worker}")
                time.sleep(3)
                farm.start_worker(worker)
            elif kind == "frozen":
                go_on = farm.freeze(worker)
                time.sleep(4)
                go_on()
            else:
                wire = {"cut": {"loss": 1.0}, "slow": {"rate": 3000.0}, "lossy": {"delay": 0.05, "loss": 0.1}}[kind]
                farm.net.wire(worker, **wire)
                time.sleep(6)
                farm.net.wire(worker)
            until(lambda: _healthy(farm) == WORKERS, 60)
            time.sleep(1)
            memory.append(sum(process.memory_full_info().pss for process in farm.api.processes()))
            rest = max(5.0, begin + FAULT_EVERY - time.monotonic())
            mended, _ = time.monotonic(), load.go_on_for(rest)
            calm += [each for each in load.outcomes if each.begin > mended]
            if FULL:
                longest = max(each.seconds for each in load.outcomes)
                print(
                    f"{number}: {kind}, worker {worker}: {len(load.outcomes)} answers, {longest:.1f} s at most",
                    flush=True,
                )
        assert not farm.api.events("worker_without_key")
    check(load.outcomes, truth)
    seconds = sorted(each.seconds for each in calm)
    p50, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    print(
        f"{len(load.outcomes)} requests, {max(each.seconds for each in load.outcomes):.1f} s at most;"
        f" {len(calm)} without a fault: p50 {p50:.3f} s, p99 {p99:.3f} s;"
        f" the API took {memory[0] >> 20} MiB at first, {memory[-1] >> 20} in the end"
    )
    if FULL:
        assert p99 < 4 * p50
        assert memory[-1] < 1.1 * memory[len(memory) // 4]


def test_nothing_was_done_twice_without_need(farm: Farm) -> None:
    """Of all that was asked above: the API answered each request once, and asked again only what was lost or late."""
    apis = [service for service in farm.services() if "worker_up" in {event["event"] for event in service.events()}]
    answered = Counter(event["request_id"] for api in apis for event in api.events("request"))
    assert set(answered.values()) == {1}
    lost = {event["request_id"] for api in apis for event in api.events("worker_lost_request")}
    helped = {event["request_id"] for api in apis for event in api.events("worker_helped")}
    done = Counter(
        event["request_id"]
        for service in farm.services()
        if service not in apis
        for event in service.events("request")
        if event["code"] == 1000
    )
    assert {request_id for request_id, times in done.items() if times > 1} <= lost | helped
