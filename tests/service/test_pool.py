"""The queue in front of the handlers, with handlers that do as they are told."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from senseid.decisions import Figures
from senseid.installation import now
from senseid_service import ipc
from senseid_service.handler import Request
from senseid_service.log import Log
from senseid_service.pool import BusyError, FailedError, LocalPool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def request(path: str = "/echo") -> Request:
    return Request("0" * 32, path, "text/plain", b"body")


class ModelProcess:
    """Stands for the model_process: each handler is a thread that answers with its number, waits, or dies."""

    def __init__(self) -> None:
        self.ours, self._control = socket.socketpair()
        self.go = threading.Event()
        self.asked: list[str] = []
        self.born = 0
        self.stillborn = 0
        self.pid = 1
        self._threads = [threading.Thread(target=self._keep)]
        self._threads[0].start()

    def comes_after_another(self) -> None:
        self.pid += 1
        self._control.sendall(ipc.MODEL_PROCESS.pack(self.pid))

    def ends(self) -> None:
        self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.go.set()
        self.ours.close()
        for thread in self._threads:
            thread.join()
        self._control.close()

    def _keep(self) -> None:
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            if not data:
                return
            link = socket.socket(fileno=descriptors[0])
            if self.stillborn:
                self.stillborn -= 1
                link.close()
                continue
            self.born += 1
            thread = threading.Thread(target=self._work, args=(link, self.born))
            self._threads.append(thread)
            thread.start()

    def _work(self, link: socket.socket, number: int) -> None:
        with link:
            try:
                ipc.send(link, {"pid": number, "model_process": self.pid})
                while True:
                    head, body = ipc.receive(link)
                    self.asked.append(head["path"])
                    if head["path"] == "/die" or (head["path"] == "/die-once" and number == 1):
                        return
                    if head["path"] == "/wait":
                        self.go.wait()
                    figures = asdict(Figures())
                    answer = {
                        "status": 200,
                        "code": 1000,
                        "reason": "",
                        "seconds": 0.0,
                        "figures": figures,
                        "steps": [],
                    }
                    ipc.send(link, answer, body + b" from %d" % number)
            except ipc.LostError:
                return


@asynccontextmanager
async def pool_of(
    model_process: ModelProcess, handlers: int, *, queue: int = 2, queue_seconds: float = 20
) -> AsyncIterator[LocalPool]:
    pool = LocalPool(
        model_process.ours,
        handlers,
        queue=queue,
        queue_seconds=queue_seconds,
        log=Log(lambda _: None, now),
    )
    await pool.start()
    try:
        while pool.state.ready < handlers:
            await asyncio.sleep(0.01)
        yield pool
    finally:
        await pool.stop()


@pytest.fixture
def model_process() -> ModelProcess:
    return ModelProcess()


def run(model_process: ModelProcess, body: Callable[[], object]) -> None:
    try:
        asyncio.run(asyncio.wait_for(body(), 30))  # type: ignore[arg-type]
    finally:
        model_process.close()


def test_answers(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 2) as pool:
            answers = await asyncio.gather(*(pool.answer(request()) for _ in range(4)))
            assert {answered.answer.body for answered in answers} <= {b"body from 1", b"body from 2"}
            assert pool.state.busy == pool.state.waiting == pool.state.losses == 0

    run(model_process, body)


def test_a_full_queue_refuses(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1, queue=1) as pool:
            tasks = [asyncio.create_task(pool.answer(request("/wait"))) for _ in range(2)]
            await asyncio.sleep(0.05)
            assert pool.is_full
            assert (pool.state.busy, pool.state.waiting) == (1, 1)
            with pytest.raises(BusyError):
                await pool.answer(request())
            model_process.go.set()
            await asyncio.gather(*tasks)
            assert not pool.is_full

    run(model_process, body)


def test_a_request_waits_so_long_only(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1, queue_seconds=0.1) as pool:
            task = asyncio.create_task(pool.answer(request("/wait")))
            await asyncio.sleep(0.05)
            with pytest.raises(BusyError):
                await pool.answer(request())
            assert pool.state.waiting == 0
            model_process.go.set()
            await task
            assert (await pool.answer(request())).answer.code == 1000

    run(model_process, body)


@pytest.mark.parametrize(("queue", "order"), [(4, ["/1", "/2", "/3"]), (3, ["/3", "/2", "/1"])])
def test_the_first_is_first_until_the_queue_is_full(model_process: ModelProcess, queue: int, order: list[str]) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1, queue=queue) as pool:
            tasks = []
            for path in ("/wait", "/1", "/2", "/3"):
                tasks.append(asyncio.create_task(pool.answer(request(path))))
                await asyncio.sleep(0.02)
            model_process.go.set()
            await asyncio.gather(*tasks)
            assert model_process.asked == ["/wait", *order]
            model_process.go.clear()
            # It has been empty: the first is first again.
            tasks = []
            for path in ("/wait", "/4", "/5"):
                tasks.append(asyncio.create_task(pool.answer(request(path))))
                await asyncio.sleep(0.02)
            model_process.go.set()
            await asyncio.gather(*tasks)
            assert model_process.asked[4:] == ["/wait", "/4", "/5"]

    run(model_process, body)


def test_who_leaves_the_queue_is_not_answered(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1) as pool:
            first = asyncio.create_task(pool.answer(request("/wait")))
            await asyncio.sleep(0.05)
            second = asyncio.create_task(pool.answer(request("/never")))
            await asyncio.sleep(0.05)
            second.cancel()
            await asyncio.sleep(0.05)
            model_process.go.set()
            await first
            await pool.answer(request())
            assert model_process.asked == ["/wait", "/echo"]

    run(model_process, body)


def test_who_leaves_while_it_is_worked_on_keeps_nobody(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1) as pool:
            task = asyncio.create_task(pool.answer(request("/wait")))
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.sleep(0.05)
            assert pool.state.busy == 1  # the handler does not know
            model_process.go.set()
            assert (await pool.answer(request())).answer.body == b"body from 1"

    run(model_process, body)


def test_a_link_that_arrives_in_the_moment_of_leaving_is_not_lost(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1) as pool:
            first = asyncio.create_task(pool.answer(request()))
            second = asyncio.create_task(pool.answer(request()))
            await first
            second.cancel()  # its link was handed to it in the same turn of the loop
            await asyncio.gather(second, return_exceptions=True)
            assert (await pool.answer(request())).answer.code == 1000

    run(model_process, body)


def test_a_dead_handler_is_replaced_and_its_request_asked_again(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 1) as pool:
            answered = await pool.answer(request("/die-once"))
            assert answered.answer.body == b"body from 2"
            assert pool.state.losses == 1

    run(model_process, body)


def test_a_request_that_kills_is_given_up(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 2) as pool:
            with pytest.raises(FailedError):
                await pool.answer(request("/die"))
            assert model_process.asked == ["/die", "/die"]
            assert (await pool.answer(request())).answer.code == 1000

    run(model_process, body)


def test_handlers_of_a_dead_model_process_are_replaced_between_requests(model_process: ModelProcess) -> None:
    async def body() -> None:
        async with pool_of(model_process, 2) as pool:
            waits = asyncio.create_task(pool.answer(request("/wait")))
            await asyncio.sleep(0.05)
            model_process.comes_after_another()
            while model_process.born < 3:  # in the place of the one that had nothing to do
                await asyncio.sleep(0.01)
            assert (await pool.answer(request())).answer.body == b"body from 3"
            model_process.go.set()
            assert (await waits).answer.body in {b"body from 1", b"body from 2"}
            while model_process.born < 4 or pool.state.ready < 2:
                await asyncio.sleep(0.01)
            answers = {(await pool.answer(request())).answer.body for _ in range(4)}
            assert answers == {b"body from 3", b"body from 4"}
            assert pool.state.losses == 0

    run(model_process, body)


def test_a_model_process_that_is_gone_is_heard_of_once(model_process: ModelProcess) -> None:
    async def body() -> None:
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        async with pool_of(model_process, 1) as pool:
            model_process.ends()
            await asyncio.sleep(0.05)
            assert (await pool.answer(request())).answer.code == 1000
        assert problems == []

    run(model_process, body)


def test_a_handler_that_never_comes_up_is_asked_for_again(model_process: ModelProcess) -> None:
    model_process.stillborn = 1

    async def body() -> None:
        async with pool_of(model_process, 1) as pool:
            assert (await pool.answer(request())).answer.code == 1000

    run(model_process, body)
