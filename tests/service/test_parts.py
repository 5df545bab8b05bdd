"""The small parts: rate, log, frames, licences that are watched, the OpenAPI document."""

from __future__ import annotations

import json
import logging
import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid.outcomes import INTERNAL
from senseid_licensing.context import context_here
from senseid_licensing.errors import ExpiredError, LicensingError
from senseid_licensing.product import Product
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_service import ipc
from senseid_service.endpoints import COMPARE, ENDPOINTS, QUALITY
from senseid_service.handler import reason_for_log
from senseid_service.licence_watch import RECHECK_SECONDS, LicenceWatch
from senseid_service.log import Log, LogHandler
from senseid_service.openapi import document
from senseid_service.rate import RateLimit

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 100)


def test_rate() -> None:
    time = Time()
    limit = RateLimit(2, time.monotonic)
    assert [limit.allows("a") for _ in range(6)] == [True] * 4 + [False] * 2
    assert limit.allows("b")
    time.seconds += 1
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    assert all(RateLimit(0, time.monotonic).allows("a") for _ in range(1000))


def test_rate_remembers_so_many_addresses_only() -> None:
    limit = RateLimit(0.001, Time().monotonic)
    assert limit.allows("first")
    assert not limit.allows("first")
    for number in range(10_000):
        limit.allows(str(number))
    assert limit.allows("first")


def test_a_log_line() -> None:
    lines: list[bytes] = []
    log = Log(lines.append, Time().now)
    log.event("request", status=200, text="a\nb")
    (line,) = lines
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.678Z", "level": "info", "event": "request", "status": 200, "text": "a\nb",
    }  # fmt: skip


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    def full(_: bytes) -> None:
        raise OSError("disk full")

    Log(full, Time().now).event("request")


def test_what_libraries_log_shows_no_exception() -> None:
    lines: list[bytes] = []
    logger = logging.Logger("library")
    logger.addHandler(LogHandler(Log(lines.append, Time().now)))
    logger.info("not told")
    try:
        int("secret")
    except ValueError:
        logger.exception("went wrong with %s", "secret")
    (line,) = lines
    assert json.loads(line)["exception"] == "ValueError"
    assert b"secret" not in line


def test_frames() -> None:
    one, other = socket.socketpair()
    with one, other:
        ipc.send(one, {"a": 1}, b"body")
        ipc.send(one, {"b": "é"})
        assert ipc.receive(other) == ({"a": 1}, b"body")
        assert ipc.receive(other) == ({"b": "é"}, b"")
        one.sendall(ipc.pack({}, 10) + b"half")
        one.close()
        with pytest.raises(ipc.LostError):
            ipc.receive(other)
    with pytest.raises(ipc.LostError):
        ipc.send(one, {})


def test_frames_out_of_a_buffer() -> None:
    whole = ipc.pack({"a": 1}, 4) + b"body"
    buffer = bytearray()
    for byte in whole[:-1]:
        buffer.append(byte)
        assert ipc.take(buffer) is None
    buffer += whole[-1:] + whole
    assert ipc.take(buffer) == ({"a": 1}, b"body")
    assert ipc.take(buffer) == ({"a": 1}, b"body")
    assert not buffer


def test_the_text_of_an_unknown_error_is_not_told() -> None:
    def fail() -> None:
        raise KeyError("secret")

    try:
        fail()
    except KeyError as error:
        reason = reason_for_log(error)
    assert reason.startswith("KeyError at ")
    assert "fail:" in reason
    assert "secret" not in reason


# Licences.


@pytest.fixture
def store(tmp_path: Path) -> LicenceStore:
    return LicenceStore(tmp_path)


def licensed(store: LicenceStore, now: datetime, days: int = 1) -> None:
    quickstart(store, context_here(now=now, version="1"), licensee="tests", entropy=os.urandom, days=days)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def watch(store: LicenceStore, time: Time) -> LicenceWatch:
    return LicenceWatch(store, context_here(now=START, version="1"), clock=time.now, monotonic=time.monotonic)


def test_nothing_is_verified_again_without_a_reason(store: LicenceStore, watch: LicenceWatch, time: Time) -> None:
    licensed(store, START)
    first = watch.current()
    assert watch.current() is first
    time.seconds += RECHECK_SECONDS - 1
    assert watch.current() is first
    time.seconds += 1
    assert watch.current() is not first
    assert watch.ends() == dict.fromkeys(map(str, Product), (START + timedelta(days=1)).timestamp() // 1)


def test_a_licence_ends_at_the_second(store: LicenceStore, watch: LicenceWatch, time: Time) -> None:
    licensed(store, START)
    assert watch.cannot() == {}
    time.seconds += 24 * 3600
    assert watch.cannot() == {}
    time.seconds += 1
    cannot = watch.cannot()
    assert cannot.keys() == ENDPOINTS.keys()
    assert cannot[COMPARE.path] == "STID_E_AUTH_EXPIRE (-15) senseid_face"
    assert cannot[QUALITY.path] == "STID_E_AUTH_EXPIRE (-15) senseid_kestrel"
    with pytest.raises(ExpiredError):
        watch.current().require(Product.FACE)
    assert watch.ends() == {}


def test_a_file_that_is_written_counts_at_once(store: LicenceStore, watch: LicenceWatch) -> None:
    assert watch.cannot()[COMPARE.path] == "STID_E_FILE_NOT_FOUND (-7) senseid_face"
    with pytest.raises(LicensingError):
        watch.require_any()
    licensed(store, START)
    assert watch.cannot() == {}
    watch.require_any()
    affected = {path for path, endpoint in ENDPOINTS.items() if Product.LIVENESS in endpoint.products}
    good = watch.in_force()
    store.path(Product.LIVENESS).write_bytes(b"broken")
    assert watch.cannot() == {}
    refused = f"{good['senseid_liveness']} (the new file is refused: STID_E_INVALID_FILE_FORMAT (-8))"
    assert watch.in_force() == {**good, "senseid_liveness": refused}
    store.path(Product.LIVENESS).unlink()
    assert watch.cannot().keys() == affected
    store.path(Product.LIVENESS).write_bytes(b"broken")
    assert watch.cannot() == dict.fromkeys(affected, "STID_E_INVALID_FILE_FORMAT (-8) senseid_liveness")
    store.path(Product.LIVENESS).unlink()
    assert watch.cannot() == dict.fromkeys(affected, "STID_E_FILE_NOT_FOUND (-7) senseid_liveness")


# OpenAPI.


def test_the_document_lists_what_there_is() -> None:
    found = document("1.2.3")
    assert found["info"]["version"] == "1.2.3"
    assert set(found["paths"]) == {*ENDPOINTS, "/healthcheck", "/readyz", "/livez"}
    assert len(ENDPOINTS) == 6
    for path, endpoint in ENDPOINTS.items():
        operation = found["paths"][path]["post"]
        assert str(INTERNAL.http_status) in operation["responses"]
        schema = operation["responses"]["400"]["content"]["application/json"]["schema"]
        assert schema["properties"]["code"]["enum"] == list(endpoint.codes)
