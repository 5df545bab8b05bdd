"""Workers on other machines: monitored, load-balanced, with a retry on another one if one does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senseid.decisions import Figures, figures_of_body
from senseid_service import ipc
from senseid_service.endpoints import ENDPOINTS, HEALTH_PATH
from senseid_service.handler import Answer
from senseid_service.pool import Answered, BusyError, FailedError, PoolState

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

_ATTEMPTS: Final = 3
_OVERLOADED: Final = 503
_UNAUTHORISED: Final = 401
_NO_LOCK: Final = "it serves everybody who reaches it: set SENSEID_WORKER_KEY there, to the same as here"


@dataclass(slots=True, eq=False)
class _Worker:
    address: WorkerAddress
    healthy: bool = False
    running: int = 0
    cannot: dict[str, str] = field(default_factory=dict)


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

    @property
    def state(self) -> PoolState:
        """The current state."""
        running = sum(worker.running for worker in self._workers)
        return PoolState(sum(worker.healthy for worker in self._workers), running, 0, self._losses)

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
            answer = await self._ask(worker, request)
            if answer is not None and answer.http_status == _UNAUTHORISED:
                # The client is not to blame: its key was checked here.
                self._log.event("worker_refuses_key", "error", worker=worker.address.url)
                raise FailedError
            if answer is not None and answer.http_status != _OVERLOADED:
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

    async def _ask(self, worker: _Worker, request: Request) -> Answer | None:
        """Its answer; None if there was none. Requests are idempotent, so another worker may be asked."""
        import httpx

        assert self._client is not None  # noqa: S101  started before it is asked
        worker.running += 1
        try:
            response = await self._client.post(
                worker.address.url + request.path,
                # As one piece, it would be copied once or twice for each request that waits.
                content=_pieces(request.body),
                headers={
                    "content-type": request.content_type,
                    "content-length": str(len(request.body)),
                    REQUEST_ID_HEADER: request.request_id,
                },
            )
        except httpx.HTTPError as error:
            self._losses += 1
            reason = type(error).__name__
            self._log.event("worker_lost_request", "warning", request_id=request.request_id, reason=reason)
            if not isinstance(error, httpx.ReadTimeout):
                self._mark(worker, healthy=False, reason=reason)
            return None
        finally:
            worker.running -= 1
        code, figures = _read(response.content)
        return Answer(response.status_code, code, response.content, figures=figures)

    async def _watch(self, worker: _Worker) -> None:
        import httpx

        assert self._client is not None  # noqa: S101  started before it is watched
        while True:
            try:
                response = await self._client.get(worker.address.url + HEALTH_PATH, timeout=_CHECK_TIMEOUT)
                worker.cannot = _cannot_of(response.content)
                # A worker with invalid licences counts: its answer tells the client about them.
                healthy = response.status_code == 200 or bool(worker.cannot)
                if healthy and not worker.healthy:
                    await self._look_for_a_lock(worker)
                self._mark(worker, healthy=healthy, reason=f"health check {response.status_code}")
            except httpx.HTTPError as error:
                self._mark(worker, healthy=False, reason=type(error).__name__)
            await asyncio.sleep(_CHECK_SECONDS if worker.healthy else _CHECK_SECONDS / 4)

    async def _look_for_a_lock(self, worker: _Worker) -> None:
        """Log a warning if the worker answers without a key, while this API has one."""
        assert self._client is not None  # noqa: S101  started before it is watched
        if self._api_key is None:
            return
        response = await self._client.post(
            worker.address.url + next(iter(ENDPOINTS)), headers={API_KEY_HEADER: ""}, timeout=_CHECK_TIMEOUT
        )
        if response.status_code != _UNAUTHORISED:
            self._log.event("worker_without_key", "warning", worker=worker.address.url, reason=_NO_LOCK)

    def _mark(self, worker: _Worker, *, healthy: bool, reason: str) -> None:
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
