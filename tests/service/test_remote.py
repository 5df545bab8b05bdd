"""Workers on other machines: which one is asked, and what becomes of a request that one does not answer."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from senseid.installation import now
from senseid_service import remote
from senseid_service.handler import Request
from senseid_service.log import Log
from senseid_service.pool import BusyError, FailedError
from senseid_service.remote import RemotePool
from senseid_service.settings import WorkerAddress
from tests.service.conftest import COMPARE, QUALITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

REQUEST = Request("0123456789abcdef" * 2, "/echo", "text/plain", b"body")


class Worker:
    """A server that does as it is told."""

    def __init__(self, behaviour: str) -> None:
        self.behaviour = behaviour
        self.asked: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /healthcheck"):
                if self.behaviour == "silent":
                    return
                cannot = {"cannot": {COMPARE: "STID"}} if self.behaviour == "unlicensed" else {}
                status = 503 if self.behaviour in {"sick", "unlicensed"} else 200
                await self._send(writer, status, {"status": "ok", **cannot})
                return
            if b"\r\nx-api-key: \r\n" in head.lower():
                await self._send(writer, 400 if self.behaviour == "open" else 401, {"code": 0})
                return
            await reader.readexactly(4)
            self.asked.append(head)
            if self.behaviour == "cut":
                return
            if self.behaviour in {"silent", "stuck"}:
                await reader.read()
                return
            if self.behaviour == "slow":
                await asyncio.sleep(1)
            status = {"busy": 503, "locked": 401, "late": 408}.get(self.behaviour, 200)
            await self._send(writer, status, {"code": 1000 if status == 200 else status, "from": self.port})
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()


@asynccontextmanager
async def pool_of(
    *manners: str, most: int = 8, api_key: str | None = "secret", write: Callable[[bytes], object] = lambda _: None
) -> AsyncIterator[tuple[RemotePool, list[Worker]]]:
    workers = [Worker(behaviour) for behaviour in manners]
    servers = [await asyncio.start_server(worker.serve, "127.0.0.1", 0) for worker in workers]
    for worker, server in zip(workers, servers, strict=True):
        worker.port = server.sockets[0].getsockname()[1]
    pool = RemotePool(
        tuple(WorkerAddress("http", "127.0.0.1", worker.port) for worker in workers),
        ca=None,
        api_key=api_key,
        most=most,
        answer_seconds=10,
        log=Log(write, now),
    )
    await pool.start()
    try:
        async with asyncio.timeout(20):
            while pool.state.ready < sum(behaviour != "sick" for behaviour in manners):
                await asyncio.sleep(0.01)
            yield pool, workers
    finally:
        await pool.stop()
        for server in servers:
            server.close()


def test_a_worker_that_never_answered_is_told_of_once() -> None:
    """As one whose address was mistyped: all that its clients see is a 503."""
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("sick", "well", write=lines.append):
            for _ in range(3):
                await asyncio.sleep(remote._CHECK_SECONDS / 2)

    asyncio.run(body())
    events = [json.loads(line) for line in lines]
    (down,) = (event for event in events if event["event"] == "worker_down")
    assert (down["level"], down["reason"]) == ("warning", "health check 503")
    assert sum(event["event"] == "worker_up" for event in events) == 1


def test_the_request_is_handed_on() -> None:
    async def body() -> None:
        async with pool_of("well") as (pool, (worker,)):
            answered = await pool.answer(REQUEST)
            assert json.loads(answered.answer.body)["from"] == worker.port
            assert (answered.answer.http_status, answered.answer.code) == (200, 1000)
            (head,) = worker.asked
            assert head.startswith(b"POST /echo HTTP/1.1\r\n")
            for line in (b"x-request-id: " + REQUEST.request_id.encode(), b"x-api-key: secret", b"content-length: 4"):
                assert line in head.lower()

    asyncio.run(body())


@pytest.mark.parametrize("bad", ["cut", "busy", "sick", "late"])
def test_another_is_asked(bad: str) -> None:
    async def body() -> None:
        async with pool_of(bad, "well") as (pool, (_, well)):
            for _ in range(4):
                answered = await pool.answer(REQUEST)
                assert json.loads(answered.answer.body)["from"] == well.port

    asyncio.run(body())


def test_all_are_overloaded() -> None:
    async def body() -> None:
        async with pool_of("busy", "busy", "sick") as (pool, workers):
            with pytest.raises(BusyError):
                await pool.answer(REQUEST)
            assert [len(worker.asked) for worker in workers] == [1, 1, 0]

    asyncio.run(body())


def test_none_answers() -> None:
    async def body() -> None:
        async with pool_of("cut") as (pool, (worker,)):
            with pytest.raises(FailedError):
                await pool.answer(REQUEST)
            assert len(worker.asked) == 3
            assert pool.state.losses == 3

    asyncio.run(body())


def test_a_worker_that_does_not_know_the_key() -> None:
    async def body() -> None:
        async with pool_of("locked") as (pool, _):
            with pytest.raises(FailedError):
                await pool.answer(REQUEST)

    asyncio.run(body())


def test_so_many_at_once() -> None:
    async def body() -> None:
        async with pool_of("well", most=0) as (pool, _):
            assert pool.is_full
            with pytest.raises(BusyError):
                await pool.answer(REQUEST)

    asyncio.run(body())


@pytest.mark.parametrize(("behaviour", "api_key", "told"), [("open", "k", 1), ("well", "k", 0), ("open", None, 0)])
def test_a_worker_without_a_key_is_reported(behaviour: str, api_key: str | None, told: int) -> None:
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of(behaviour, api_key=api_key, write=lines.append) as (pool, _):
            assert (await pool.answer(REQUEST)).answer.http_status == 200

    asyncio.run(body())
    found = [event for event in map(json.loads, lines) if event["event"] == "worker_without_key"]
    assert [event["level"] for event in found] == ["warning"] * told


def test_a_worker_whose_licence_is_bad_is_asked_where_no_other_is() -> None:
    compare, quality = (dataclasses.replace(REQUEST, path=path) for path in (COMPARE, QUALITY))

    async def body() -> None:
        async with pool_of("unlicensed", "well") as (pool, (bad, well)):
            for _ in range(3):
                answered = await pool.answer(compare)
                assert json.loads(answered.answer.body)["from"] == well.port
            assert pool.cannot() == {}
            assert bad.asked == []
        async with pool_of("unlicensed") as (pool, (bad,)):
            assert pool.cannot() == {COMPARE: "STID"}
            for request in (compare, quality):
                assert (await pool.answer(request)).answer.http_status == 200
            assert len(bad.asked) == 2

    asyncio.run(body())


def test_one_that_falls_silent_has_lost_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SILENT_SECONDS", 0.5)
    monkeypatch.setattr(remote, "_REST_SECONDS", (0.5, 2.0))
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("well", "well", write=lines.append) as (pool, workers):
            workers[0].behaviour = "silent"
            asked = [asyncio.create_task(pool.answer(REQUEST)) for _ in range(2)]
            async with asyncio.timeout(10):
                answers = [json.loads((await task).answer.body)["from"] for task in asked]
            assert answers == [workers[1].port] * 2
            assert [len(worker.asked) for worker in workers] == [1, 2]
            assert pool.state.ready == 1
            workers[0].behaviour = "well"
            async with asyncio.timeout(10):
                while pool.state.ready < 2:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.6)
            assert json.loads((await pool.answer(REQUEST)).answer.body)["from"] == workers[0].port

    asyncio.run(body())
    assert told(lines, "worker_lost_request") == told(lines, "worker_left_out") == told(lines, "worker_taken_back") == 1


def told(lines: list[bytes], event: str) -> int:
    return sum(json.loads(line)["event"] == event for line in lines)


def test_one_that_is_overtaken_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SLOW_SECONDS", 0.3)
    monkeypatch.setattr(remote, "_REST_SECONDS", (600.0, 600.0))
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("stuck", "well", write=lines.append) as (pool, (stuck, well)):
            for _ in range(4):
                assert json.loads((await pool.answer(REQUEST)).answer.body)["from"] == well.port
            assert [len(worker.asked) for worker in (stuck, well)] == [1, 4]

    asyncio.run(body())
    assert told(lines, "worker_left_out") == told(lines, "worker_helped") == 1


def test_one_request_at_a_time_has_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SLOW_SECONDS", 0.3)
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("stuck", "stuck", "well", write=lines.append) as (pool, workers):
            requests = [dataclasses.replace(REQUEST, request_id=letter * 32) for letter in "ab"]
            answers = await asyncio.gather(*map(pool.answer, requests))
            assert [json.loads(each.answer.body)["from"] for each in answers] == [workers[2].port] * 2
            assert [len(worker.asked) for worker in workers] == [1, 1, 2]

    asyncio.run(body())
    events = [event["event"] for event in map(json.loads, lines)]
    # The second is helped when the first has its answer, and the worker of that is out.
    assert [name for name in events if name.startswith(("worker_h", "worker_l"))] == [
        "worker_helped", "worker_left_out", "worker_helped", "worker_left_out"
    ]  # fmt: skip


def test_one_that_was_left_out_gets_a_request_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SLOW_SECONDS", 0.3)
    monkeypatch.setattr(remote, "_REST_SECONDS", (0.01, 0.03))  # over by the next request
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("stuck", "well", write=lines.append) as (pool, (stuck, well)):
            for _ in range(3):
                assert json.loads((await pool.answer(REQUEST)).answer.body)["from"] == well.port
                await asyncio.sleep(0.05)
            stuck.behaviour = "well"
            assert json.loads((await pool.answer(REQUEST)).answer.body)["from"] == stuck.port

    asyncio.run(body())
    rests = [event["seconds"] for event in map(json.loads, lines) if event["event"] == "worker_left_out"]
    assert rests == [0.01, 0.02, 0.03]
    assert told(lines, "worker_taken_back") == 1


def test_what_takes_everybody_long_makes_nobody_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_SLOW_SECONDS", 0.3)
    lines: list[bytes] = []

    async def body() -> None:
        async with pool_of("slow", "slow", write=lines.append) as (pool, workers):
            for _ in range(2):
                assert json.loads((await pool.answer(REQUEST)).answer.body)["from"] == workers[0].port
            # By now it is known how long that takes, and nobody is asked for help.
            assert [len(worker.asked) for worker in workers] == [2, 1]
        async with pool_of("slow", write=lines.append) as (pool, (alone,)):
            assert (await pool.answer(REQUEST)).answer.http_status == 200
            assert len(alone.asked) == 1

    asyncio.run(body())
    assert told(lines, "worker_left_out") == 0
