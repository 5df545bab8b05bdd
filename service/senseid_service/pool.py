"""The handlers of this machine behind a bounded queue. One that dies is replaced, and its request asked again.

One whose model process died shares the models with no later one: as soon as another has loaded them, its place is taken
by one of the new process, between two requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid.decisions import figures_of_table
from senseid_service import ipc
from senseid_service.handler import Answer
from senseid_service.steps import Step

if TYPE_CHECKING:
    from senseid_service.handler import Request
    from senseid_service.log import Log

_ATTEMPTS = 2
"""Attempts per request: one that crashes two handlers would crash a third."""

_RESPAWN_SECONDS = 0.5
"""Pause after a handler that failed to start."""


class BusyError(Exception):
    """There is no room for another request, or no handler to answer it in time."""


class FailedError(Exception):
    """The request crashed every handler that took it."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """The state of a pool.

    Attributes:
        ready: handlers or workers that answer.
        busy: requests that are being worked on.
        waiting: requests in the queue.
        losses: handlers that ended unexpectedly since the start.
    """

    ready: int
    busy: int
    waiting: int
    losses: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and its time in the queue.

    Attributes:
        answer: the answer for the client.
        queue_seconds: how long the request waited.
    """

    answer: Answer
    queue_seconds: float


class LocalPool:
    """Handlers on this machine, each of which answers one request at a time."""

    def __init__(
        self,
        control: socket.socket,
        handlers: int,
        *,
        queue: int,
        queue_seconds: float,
        log: Log,
    ) -> None:
        """Start nothing.

        Args:
            control: takes the socket of a new handler to the model process, and brings the id of each new one.
            handlers: how many to keep.
            queue: requests that may wait.
            queue_seconds: how long each of them may wait.
            log: the log for losses.
        """
        self._control = control
        self._handlers = handlers
        self._queue = queue
        self._queue_seconds = queue_seconds
        self._log = log
        self._idle: deque[_Link] = deque()
        self._waiting: deque[asyncio.Future[_Link]] = deque()
        # Set from a full queue until an empty one. Meanwhile the newest goes first: most clients that wait long have
        # gone or will be refused, and those that come after the overload do not queue behind them.
        self._overloaded = False
        self._ready = self._busy = self._losses = 0
        self._running: set[asyncio.Task[Answer]] = set()
        self._watchers: list[asyncio.Task[None]] = []
        self._model_process = 0  # process id of the newest; 0: none was heard of

    @property
    def state(self) -> PoolState:
        """The current state."""
        return PoolState(self._ready, self._busy, len(self._waiting), self._losses)

    @property
    def is_full(self) -> bool:
        """Whether a new request would be refused."""
        return not self._idle and len(self._waiting) >= self._queue

    async def start(self) -> None:
        """Ask for the handlers; they answer as soon as they are up."""
        asyncio.get_running_loop().add_reader(self._control, self._hear)
        self._watchers = [asyncio.create_task(self._keep()) for _ in range(self._handlers)]

    async def stop(self) -> None:
        """Let every handler go."""
        asyncio.get_running_loop().remove_reader(self._control)
        for task in self._watchers:
            task.cancel()
        for task in self._watchers:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def answer(self, request: Request) -> Answered:
        """Have a request answered.

        Raises:
            BusyError: the queue is full, or the request waited too long.
            FailedError: it crashed every handler that took it.
        """
        loop = asyncio.get_running_loop()
        begin, waited = loop.time(), 0.0
        for _ in range(_ATTEMPTS):
            link = await self._take_link()
            waited = loop.time() - begin
            # The handler continues even if the client disconnects: only its answer makes it free again.
            task = asyncio.create_task(self._run(link, request))
            self._running.add(task)
            task.add_done_callback(self._forget)
            try:
                return Answered(await asyncio.shield(task), waited)
            except ipc.LostError:
                self._log.event("handler_lost_request", "warning", request_id=request.request_id, handler=link.pid)
        raise FailedError

    def _forget(self, task: asyncio.Task[Answer]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it if the client has disconnected

    async def _take_link(self) -> _Link:
        if self._idle:
            return self._idle.popleft()
        if len(self._waiting) >= self._queue:
            raise BusyError
        future: asyncio.Future[_Link] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._overloaded = self._overloaded or len(self._waiting) == self._queue
        try:
            async with asyncio.timeout(self._queue_seconds):
                return await future
        except (TimeoutError, asyncio.CancelledError) as error:
            if future in self._waiting:
                self._waiting.remove(future)
            elif future.done() and not future.cancelled():
                self._give_back(future.result())  # it got a handler at the moment when it gave up
            if isinstance(error, TimeoutError):
                raise BusyError from None
            raise

    async def _run(self, link: _Link, request: Request) -> Answer:
        self._busy += 1
        try:
            answering = await link.ask(request)
            # Nothing here needs the body any more: free it before the answer.
            del request
            answer = await answering
        finally:
            self._busy -= 1
        self._give_back(link)
        return answer

    def _give_back(self, link: _Link) -> None:
        if link.is_lost:
            return
        if link.model_process != self._model_process and self._model_process:
            link.close()
            return
        while self._waiting:
            future = self._waiting.pop() if self._overloaded else self._waiting.popleft()
            if not future.done():
                future.set_result(link)
                return
        self._overloaded = False
        self._idle.append(link)

    def _hear(self) -> None:
        """Take note of a new model process. Handlers of another one go now, or after the request that they work on."""
        heard = self._control.recv(ipc.MODEL_PROCESS.size, socket.MSG_DONTWAIT)
        if len(heard) < ipc.MODEL_PROCESS.size:  # everybody else is gone, and this process is about to go
            asyncio.get_running_loop().remove_reader(self._control)
            return
        (self._model_process,) = ipc.MODEL_PROCESS.unpack(heard)
        idle, self._idle = self._idle, deque()
        for link in idle:
            self._give_back(link)

    async def _keep(self) -> None:
        """Keep one handler running for ever."""
        while True:
            link = await self._open_link()
            try:
                if await link.greeted:
                    self._ready += 1
                    self._log.event("handler_ready", handler=link.pid)
                    self._give_back(link)
                    await link.lost.wait()
                    self._ready -= 1
                    with contextlib.suppress(ValueError):
                        self._idle.remove(link)
                    if link.is_closed:
                        self._log.event("handler_replaced", handler=link.pid)
                    else:
                        self._losses += 1
                        self._log.event("handler_lost", "warning", handler=link.pid)
                else:
                    await asyncio.sleep(_RESPAWN_SECONDS)
            finally:
                link.close()

    async def _open_link(self) -> _Link:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            socket.send_fds(self._control, [b"h"], [theirs.fileno()])
        _, link = await asyncio.get_running_loop().create_connection(_Link, sock=ours)
        return link


class _Link(asyncio.Protocol):
    """The HTTP process's end of a handler's socket."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.pid = 0
        self.model_process = 0
        self.is_closed = False
        self.greeted: asyncio.Future[bool] = loop.create_future()
        self.lost = asyncio.Event()
        self._loop = loop
        self._buffer = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.WriteTransport | None = None

    @property
    def is_lost(self) -> bool:
        return self.lost.is_set()

    async def ask(self, request: Request) -> asyncio.Future[Answer]:
        """Send a request, no faster than it is read; its answer comes later.

        Raises:
            LostError: the handler ended first. Awaiting the answer raises it too.
        """
        if self._transport is None or self.is_lost:
            raise ipc.LostError
        self._answer = self._loop.create_future()
        head = {
            "request_id": request.request_id,
            "path": request.path,
            "content_type": request.content_type,
            "details": request.details,
            "trace": request.trace,
        }
        self._transport.write(ipc.pack(head, len(request.body)))
        for piece in ipc.pieces(request.body):
            await self._writable.wait()
            if self._transport.is_closing():
                break
            self._transport.write(piece)
        return self._answer

    def close(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a socket's transport writes

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        message = ipc.take(self._buffer)
        if message is None:
            return
        head, body = message
        if not self.greeted.done():
            self.pid, self.model_process = head["pid"], head["model_process"]
            self.greeted.set_result(True)
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(_answer_of(head, body))

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio calls it so
        self.lost.set()
        self._writable.set()
        if not self.greeted.done():
            self.greeted.set_result(False)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ipc.LostError())


def _answer_of(head: dict[str, Any], body: bytes) -> Answer:
    figures = figures_of_table(head["figures"])
    steps = tuple(Step(*step) for step in head["steps"])
    return Answer(head["status"], head["code"], body, head["reason"], head["seconds"], figures, steps)
