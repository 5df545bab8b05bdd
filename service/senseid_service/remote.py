"""Workers on other machines: monitored, load-balanced, with a retry on another one if one does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from senseid.decisions import Figures, figures_of_body
from senseid_service import ipc
from senseid_service.endpoints import ENDPOINTS, HEALTH_PATH
from senseid_service.handler import Answer
from senseid_service.pool import Answered, BusyError, FailedError, PoolState
from senseid_service.tracing import TRACE_HEADER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from senseid_service.handler import Request
    from senseid_service.log import Log
    from senseid_service.settings import WorkerAddress

REQUEST_ID_HEADER: Final = "x-request-id"
API_KEY_HEADER: Final = "x-api-key"

_CHECK_SECONDS: Final = 1.0
_CHECK_TIMEOUT: Final = 2.0
_CONNECT_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 5.0
"""How long a request waits for a worker to come back: longer than a restart of its handlers takes."""

_SILENT_SECONDS: Final = 5.0
"""A worker that does not answer its health check for so long has lost its requests: others are asked."""

_SLOW_SECONDS: Final = 5.0
_SLOW_TIMES: Final = 8
"""Another worker is asked, too, after so many seconds and so many times what is usual: one may be slow."""

_REST_SECONDS: Final = (10.0, 300.0)
"""How long one that was slow or silent is left out before it gets a request again: at first, and at most."""

_USUAL_SHARE: Final = 0.05
"""How much one answer counts in what is usual."""

_ATTEMPTS: Final = 3
_NO_LOCK: Final = "it serves everybody who reaches it: set SENSEID_WORKER_KEY there, to the same as here"


@dataclass(slots=True, eq=False)
class _Worker:
    """The state of a worker. Times are of the event loop.

    Attributes:
        address: where it is.
        healthy: whether it answered its last health check; None before the first.
        running: requests that it has been asked and has not answered.
        cannot: the endpoints that it refuses, with the reason.
        heard_at: when it last answered a health check.
        silent: set while it has not done so for long.
        out_until: until when it is left out, for being slow or silent. Then it gets one request at a time until it has
            answered one; 0 from then on.
        rest: for how many seconds it was.
    """

    address: WorkerAddress
    healthy: bool | None = None
    running: int = 0
    cannot: dict[str, str] = field(default_factory=dict)
    heard_at: float = 0.0
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    out_until: float = 0.0
    rest: float = 0.0

    def rests(self, now: float) -> bool:
        """Whether it is left out, or busy with the one request that it may have after that."""
        return bool(self.out_until) and (now < self.out_until or self.running > 0)


class RemotePool:
    """The workers behind an API."""

    def __init__(
        self,
        workers: tuple[WorkerAddress, ...],
        *,
        ca: Path | None,
        api_key: str | None,
        most: int,
        answer_seconds: float,
        log: Log,
    ) -> None:
        """Start nothing.

        Args:
            workers: their addresses.
            ca: certificates to check TLS workers against; the system's if None.
            api_key: sent with each request, for workers that require one.
            most: maximum of concurrent requests to workers.
            answer_seconds: how long a worker may take.
            log: the log for workers that go or come back.
        """
        self._workers = [_Worker(address) for address in workers]
        self._ca = ca
        self._api_key = api_key
        self._most = most
        self._answer_seconds = answer_seconds
        self._log = log
        self._losses = 0
        self._client: httpx.AsyncClient | None = None
        self._watchers: list[asyncio.Task[None]] = []
        self._change = asyncio.Event()
        self._usual: dict[str, float] = {}  # seconds of an answer, by path
        self._helped: Request | None = None  # that two workers are asked

    @property
    def state(self) -> PoolState:
        """The current state."""
        running = sum(worker.running for worker in self._workers)
        return PoolState(sum(bool(worker.healthy) for worker in self._workers), running, 0, self._losses)

    @property
    def is_full(self) -> bool:
        """Whether a new request would be refused."""
        return sum(worker.running for worker in self._workers) >= self._most

    def cannot(self) -> dict[str, str]:
        """The endpoints that every worker refuses, with the reason; empty while there is no worker."""
        healthy = [worker for worker in self._workers if worker.healthy]
        return {
            path: healthy[0].cannot[path]
            for path in ENDPOINTS
            if healthy and all(path in worker.cannot for worker in healthy)
        }

    def use_key(self, api_key: str | None) -> None:
        """Send this key from the next request on."""
        self._api_key = api_key
        if self._client is not None:
            self._client.headers.pop(API_KEY_HEADER, None)
            self._client.headers.update({API_KEY_HEADER: api_key} if api_key else {})

    async def start(self) -> None:
        """Start monitoring the workers."""
        import ssl

        import httpx

        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(self._answer_seconds, connect=_CONNECT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4),
            verify=ssl.create_default_context(cafile=self._ca),
            # Proxies in the environment are for outgoing connections, not for one's own workers.
            trust_env=False,
            headers={API_KEY_HEADER: self._api_key} if self._api_key else {},
        )
        self._watchers = [asyncio.create_task(self._watch(worker)) for worker in self._workers]

    async def stop(self) -> None:
        """Stop monitoring the workers."""
        for task in self._watchers:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._client is not None:
            await self._client.aclose()

    async def answer(self, request: Request) -> Answered:
        """Have a request answered by the least loaded healthy worker, or by another if it does not answer.

        Raises:
            BusyError: all are overloaded, or none came back in time.
            FailedError: several took it and none answered.
        """
        if self.is_full:
            raise BusyError
        loop = asyncio.get_running_loop()
        begin = loop.time()
        tried: list[_Worker] = []
        overloaded = False
        while len(tried) < _ATTEMPTS:
            worker = await self._next(tried, request.path, insist=not overloaded)
            waited = loop.time() - begin
            tried.append(worker)
            answer = await self._ask_with_help(worker, tried, request)
            if answer is not None and answer.http_status == HTTPStatus.UNAUTHORIZED:
                # The client is not to blame: its key was checked here.
                self._log.event("worker_refuses_key", "error", worker=worker.address.url)
                raise FailedError
            if answer is not None and answer.http_status != HTTPStatus.SERVICE_UNAVAILABLE:
                return Answered(answer, waited)
            overloaded = overloaded or answer is not None
        if overloaded:
            raise BusyError
        raise FailedError

    async def _next(self, tried: list[_Worker], path: str, *, insist: bool) -> _Worker:
        """The least loaded healthy worker, preferably one that was not tried.

        Args:
            tried: workers that got this request already.
            path: its endpoint. A worker that refuses it is used if all do: then the client gets the reason.
            insist: whether one of them may be tried again, and waited for.

        Raises:
            BusyError: there is none.
        """
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            healthy = [worker for worker in self._workers if worker.healthy]
            healthy = [worker for worker in healthy if path not in worker.cannot] or healthy
            now = asyncio.get_running_loop().time()
            healthy = [worker for worker in healthy if not worker.rests(now)] or healthy
            fresh = [worker for worker in healthy if worker not in tried]
            if not fresh and insist:
                fresh = healthy
            if fresh:
                return min(fresh, key=lambda worker: worker.running)
            if not insist:
                raise BusyError
            self._change.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._change.wait()
            except TimeoutError:
                raise BusyError from None

    async def _ask_with_help(self, worker: _Worker, tried: list[_Worker], request: Request) -> Answer | None:
        """Its answer, or that of another one which is asked, too, when it takes much longer than usual.

        One that another overtakes is slow. What takes everybody long makes nobody slow.

        Args:
            worker: who is asked first.
            tried: takes note of the other one.
            request: the request.

        Returns:
            The first answer that is one; else that an overloaded worker gave, or None.
        """
        first = self._start(worker, request)
        asked = {first: worker}
        answer: Answer | None = None
        try:
            usual = self._usual.get(request.path, 0.0)
            patience = max(_SLOW_SECONDS, _SLOW_TIMES * usual)
            done, helper = set[asyncio.Task[Answer | None]](), None
            while not done and helper is None:
                done, _ = await asyncio.wait(asked, timeout=patience)
                helper = None if done else self._helper(worker, tried, request.path)
            if helper is not None:
                self._helped = request
                tried.append(helper)
                urls = {"worker": worker.address.url, "helper": helper.address.url}
                self._log.event("worker_helped", request_id=request.request_id, **urls)
                asked[self._start(helper, request)] = helper
            while asked:
                done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in asked if task in done]:
                    of = asked.pop(task)
                    answer = task.result() or answer
                    if answer is not None and answer.http_status != HTTPStatus.SERVICE_UNAVAILABLE:
                        self._compare(of, None if first.done() else worker)
                        return answer
            return answer
        finally:
            if self._helped is request:
                self._helped = None
            for task in asked:
                task.cancel()

    def _start(self, worker: _Worker, request: Request) -> asyncio.Task[Answer | None]:
        """Ask it; from this moment on it has one request more."""

        def end(_: asyncio.Task[Answer | None]) -> None:
            worker.running -= 1

        worker.running += 1
        task = asyncio.create_task(self._ask(worker, request))
        task.add_done_callback(end)
        return task

    def _helper(self, worker: _Worker, tried: list[_Worker], path: str) -> _Worker | None:
        """Who might answer sooner; None if everybody has more to do, or another request has help.

        One at a time: where the whole network is slow, help must not double what goes over it.
        """
        if self._helped is not None:
            return None
        free = [
            other
            for other in self._workers
            if other.healthy
            and other not in tried
            and path not in other.cannot
            and not other.out_until
            and other.running <= worker.running
        ]
        return min(free, key=lambda other: other.running, default=None)

    def _compare(self, answered: _Worker, overtaken: _Worker | None) -> None:
        """Take note of who answered, and of whom that overtook."""
        if answered.out_until and asyncio.get_running_loop().time() >= answered.out_until:
            answered.out_until = answered.rest = 0.0
            self._log.event("worker_taken_back", worker=answered.address.url)
        if overtaken is not None:
            self._leave_out(overtaken, "slow")

    def _leave_out(self, worker: _Worker, reason: str) -> None:
        """Give it no request for a while, which is longer each time it comes to that."""
        now = asyncio.get_running_loop().time()
        if now < worker.out_until:
            return
        least, most = _REST_SECONDS
        worker.rest = min(max(least, 2 * worker.rest), most)
        worker.out_until = now + worker.rest
        self._log.event("worker_left_out", "warning", worker=worker.address.url, reason=reason, seconds=worker.rest)

    async def _ask(self, worker: _Worker, request: Request) -> Answer | None:
        """Its answer; None if there was none. Requests are idempotent, so another worker may be asked."""
        import httpx

        assert self._client is not None  # noqa: S101  started before it is asked
        loop = asyncio.get_running_loop()
        begin = loop.time()
        posting = asyncio.create_task(
            self._client.post(
                worker.address.url + request.path,
                # As one piece, it would be copied once or twice for each request that waits.
                content=_pieces(request.body),
                headers={
                    "content-type": request.content_type,
                    "content-length": str(len(request.body)),
                    REQUEST_ID_HEADER: request.request_id,
                    **({TRACE_HEADER: request.trace} if request.trace else {}),
                },
            )
        )
        silence = asyncio.create_task(worker.silent.wait())
        try:
            await asyncio.wait({posting, silence}, return_when=asyncio.FIRST_COMPLETED)
            if not posting.done():
                self._lose(worker, request, "silent")
                self._leave_out(worker, "silent")
                return None
            response = posting.result()
        except httpx.HTTPError as error:
            reason = type(error).__name__
            self._lose(worker, request, reason)
            if not isinstance(error, httpx.ReadTimeout):
                self._mark(worker, healthy=False, reason=reason)
            return None
        finally:
            posting.cancel()
            silence.cancel()
        if response.status_code == HTTPStatus.REQUEST_TIMEOUT:  # on the way from here to there: not the client's doing
            self._lose(worker, request, "the body came too slowly")
            self._leave_out(worker, "slow")
            return None
        if response.status_code == HTTPStatus.OK:
            seconds = loop.time() - begin
            usual = self._usual.setdefault(request.path, seconds)
            self._usual[request.path] = usual + _USUAL_SHARE * (seconds - usual)
        code, figures = _read(response.content)
        return Answer(response.status_code, code, response.content, figures=figures)

    def _lose(self, worker: _Worker, request: Request, reason: str) -> None:
        self._losses += 1
        self._log.event(
            "worker_lost_request", "warning", request_id=request.request_id, worker=worker.address.url, reason=reason
        )

    async def _watch(self, worker: _Worker) -> None:
        import httpx

        assert self._client is not None  # noqa: S101  started before it is watched
        loop = asyncio.get_running_loop()
        while True:
            try:
                response = await self._client.get(worker.address.url + HEALTH_PATH, timeout=_CHECK_TIMEOUT)
                worker.heard_at = loop.time()
                worker.silent.clear()
                worker.cannot = _cannot_of(response.content)
                # A worker with invalid licences counts: its answer tells the client about them.
                healthy = response.status_code == HTTPStatus.OK or bool(worker.cannot)
                if healthy and not worker.healthy:
                    await self._look_for_a_lock(worker)
                self._mark(worker, healthy=healthy, reason=f"health check {response.status_code}")
            except httpx.HTTPError as error:
                self._mark(worker, healthy=False, reason=type(error).__name__)
                if loop.time() > worker.heard_at + _SILENT_SECONDS:
                    worker.silent.set()
            await asyncio.sleep(_CHECK_SECONDS if worker.healthy else _CHECK_SECONDS / 4)

    async def _look_for_a_lock(self, worker: _Worker) -> None:
        """Log a warning if the worker answers without a key, while this API has one."""
        assert self._client is not None  # noqa: S101  started before it is watched
        if self._api_key is None:
            return
        response = await self._client.post(
            worker.address.url + next(iter(ENDPOINTS)), headers={API_KEY_HEADER: ""}, timeout=_CHECK_TIMEOUT
        )
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            self._log.event("worker_without_key", "warning", worker=worker.address.url, reason=_NO_LOCK)

    def _mark(self, worker: _Worker, *, healthy: bool, reason: str) -> None:
        # None before the first check, so that one that fails is told of, too: else a mistyped address leaves nothing in
        # the log, ever.
        if healthy is worker.healthy:
            return
        worker.healthy = healthy
        if healthy:
            self._change.set()
            self._log.event("worker_up", worker=worker.address.url)
        else:
            self._log.event("worker_down", "warning", worker=worker.address.url, reason=reason)


async def _pieces(body: bytes | bytearray) -> AsyncIterator[bytes]:
    for piece in ipc.pieces(body):
        yield bytes(piece)


def _cannot_of(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body).get("cannot", {})
        return {path: str(found[path]) for path in ENDPOINTS if path in found}
    except (ValueError, AttributeError, TypeError):
        return {}


def _read(body: bytes) -> tuple[int, Figures]:
    """The code and the figures of a worker's answer; those of another release may have other fields."""
    try:
        answer = json.loads(body)
        return int(answer["code"]), figures_of_body(answer)
    except (ValueError, KeyError, TypeError):
        return 0, Figures()
