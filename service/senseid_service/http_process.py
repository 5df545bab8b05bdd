"""The process that speaks HTTP. It holds no model, and no key but the page's: bodies pass through it unread."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from senseid import installation
from senseid.version import __version__
from senseid_service import ipc
from senseid_service.app import HttpState, api_app, hashed, metrics_app, refusal_of_garbage, worker_app
from senseid_service.callers import callers_of
from senseid_service.decision_writer import DecisionWriter
from senseid_service.log import LogHandler
from senseid_service.memory import give_back_what_is_large
from senseid_service.metrics import Metrics
from senseid_service.openapi import document
from senseid_service.pool import LocalPool
from senseid_service.protocol import GuardedProtocol
from senseid_service.rate import RateLimit
from senseid_service.remote import RemotePool
from senseid_service.settings import Role, host_and_port
from senseid_service.tracing import Tracing, wanted_exporters

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from starlette.types import ASGIApp

    from senseid_service.app import Page
    from senseid_service.licence_watch import LicenceWatch
    from senseid_service.log import Log
    from senseid_service.reload import Loaded
    from senseid_service.settings import Settings
    from senseid_service.supervisor import Bound


class _Server(uvicorn.Server):
    """One of several servers in one process, which handles the signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def run(
    loaded: Loaded,
    listeners: Bound,
    watch: LicenceWatch | None,
    control: socket.socket | None,
    lifeline: socket.socket,
    log: Log,
    monotonic: Callable[[], float],
    page: Page | None,
) -> int:
    """Serve until a SIGTERM or the end of the supervisor, then finish what runs.

    Args:
        loaded: the settings of the service, and its decision log.
        listeners: bound sockets.
        watch: the licences; None in an API.
        control: the socket to the model process; None in an API.
        lifeline: reaches end of file when the supervisor is gone.
        log: the log of this process.
        monotonic: seconds that never go back.
        page: the page; None if it is off.

    Returns:
        The exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_back_what_is_large()
    root = logging.getLogger()
    root.handlers[:] = [LogHandler(log)]
    # It only logs that somebody sent bytes that are not HTTP.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    state = _state(loaded, _pool(loaded.settings, control, log), watch, log, monotonic, page)
    return asyncio.run(_serve(loaded.settings, listeners, lifeline, state, page))


async def _serve(
    settings: Settings, listeners: Bound, lifeline: socket.socket, state: HttpState, page: Page | None
) -> int:
    pool, log = state.pool, state.log
    servers = [(_server(app, settings), sock) for app, sock in _apps(settings, listeners, state, page)]
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    if settings.tls_cert is not None:
        # The protocol sees a client only after the handshake, for which uvicorn leaves it a minute.
        create = partial(loop.create_server, ssl_handshake_timeout=settings.limits.header_seconds)
        loop.create_server = create  # type: ignore[method-assign]
    lifeline.setblocking(False)
    apply = partial(_apply, settings=settings, state=state, servers=[one for one, _ in servers], page=page)
    loop.add_reader(lifeline, _Hearing(lifeline, apply, stopping).hear)
    await pool.start()
    tasks = [asyncio.create_task(server.serve([sock])) for server, sock in servers]
    purging = None
    if state.decisions is not None and settings.decision_log_days:
        purging = asyncio.create_task(state.decisions.keep_for(settings.decision_log_days, installation.now))
    listening = [host_and_port(*sock.getsockname()[:2]) for sock in listeners.all]
    log.event("serving", role=settings.role, listening=listening)
    await asyncio.wait([asyncio.create_task(stopping.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
    loop.remove_reader(lifeline)
    log.event("stopping", running=pool.state.busy, waiting=pool.state.waiting)
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)
    await pool.stop()
    if purging is not None:
        purging.cancel()
    if state.tracing is not None:
        await asyncio.to_thread(state.tracing.stop)
    log.event("stopped")
    return 0


def _state(
    loaded: Loaded,
    pool: LocalPool | RemotePool,
    watch: LicenceWatch | None,
    log: Log,
    monotonic: Callable[[], float],
    page: Page | None,
) -> HttpState:
    settings = loaded.settings
    exporters = wanted_exporters(os.environ)
    metrics = Metrics(
        lambda: pool.state,
        lambda: {} if watch is None else watch.ends(),
        role=settings.role,
        models="" if watch is None else installation.models_digest()[:12],
    )
    metrics.set_threshold(settings.threshold)
    return HttpState(
        pool=pool,
        limits=settings.limits,
        rate=RateLimit(settings.limits.rate, monotonic),
        api_keys=hashed(_api_keys(settings.api_keys, page)),
        cannot=pool.cannot if isinstance(pool, RemotePool) else _cannot(watch),
        log=log,
        metrics=metrics,
        new_request_id=installation.new_request_id,
        threshold=settings.threshold,
        role=settings.role,
        decisions=None if loaded.decision_log is None else DecisionWriter(loaded.decision_log, log),
        tells_details=page is not None,
        tracing=Tracing(exporters, os.environ, role=settings.role, version=__version__) if exporters else None,
    )


class _Hearing:
    """The end of the lifeline in this process."""

    def __init__(
        self, lifeline: socket.socket, apply: Callable[[Mapping[str, Any]], None], stopping: asyncio.Event
    ) -> None:
        self._lifeline = lifeline
        self._apply = apply
        self._stopping = stopping
        self._heard = bytearray()

    def hear(self) -> None:
        """Apply what has come, or stop where the supervisor is gone."""
        data = self._lifeline.recv(65536)
        if not data:
            asyncio.get_running_loop().remove_reader(self._lifeline)
            self._stopping.set()
        self._heard += data
        while (message := ipc.take(self._heard)) is not None:
            self._apply(message[0])


def _apply(
    message: Mapping[str, Any],
    *,
    settings: Settings,
    state: HttpState,
    servers: list[_Server],
    page: Page | None,
) -> None:
    """Let other keys and another threshold hold from the next request on; another certificate for new connections."""
    state.api_keys = hashed(_api_keys(tuple(message["api_keys"]), page))
    state.threshold = message["threshold"]
    state.metrics.set_threshold(state.threshold)
    if isinstance(state.pool, RemotePool):
        state.pool.use_key(message["worker_key"])
    for server in servers:
        if server.config.ssl is not None:
            server.config.ssl.load_cert_chain(str(settings.tls_cert), str(settings.tls_key))


def _cannot(watch: LicenceWatch | None) -> Callable[[], dict[str, str]]:
    assert watch is not None  # noqa: S101  who has handlers has licences
    return watch.cannot


def _pool(settings: Settings, control: socket.socket | None, log: Log) -> LocalPool | RemotePool:
    limits = settings.limits
    if control is None:
        return RemotePool(
            settings.workers,
            ca=settings.worker_ca,
            api_key=settings.worker_key,
            # Each worker has its own queue; this one only protects the memory of the API.
            most=(64 + limits.queue) * len(settings.workers),
            answer_seconds=limits.queue_seconds + 2 * limits.job_seconds,
            log=log,
        )
    return LocalPool(control, settings.handlers, queue=limits.queue, queue_seconds=limits.queue_seconds, log=log)


def _api_keys(configured: tuple[str, ...], page: Page | None) -> tuple[str, ...]:
    """The keys that clients may send. Without one of the operator's, nobody needs any."""
    of_page = (page.access.api_key,) if page is not None and page.access is not None else ()
    return (*configured, *of_page) if configured else ()


def _apps(
    settings: Settings, listeners: Bound, state: HttpState, page: Page | None
) -> Iterator[tuple[ASGIApp, socket.socket]]:
    if listeners.api is not None:
        described = document(__version__, plain_media=settings.plain_media, page=page is not None)
        openapi = json.dumps(described, separators=(",", ":")).encode()
        callers = callers_of(settings.host, settings.hosts, settings.cors)
        yield api_app(state, callers, openapi=openapi, page=page), listeners.api
    if listeners.worker is not None:
        host = settings.host if settings.role is Role.WORKER else "127.0.0.1"
        yield worker_app(state, callers_of(host, settings.hosts)), listeners.worker
    if listeners.metrics is not None and settings.metrics is not None:
        yield metrics_app(state, callers_of(settings.metrics[0], settings.hosts)), listeners.metrics


def _server(app: ASGIApp, settings: Settings) -> _Server:
    limits = settings.limits
    protocol = type(
        "Protocol",
        (GuardedProtocol,),
        {
            "header_seconds": limits.header_seconds,
            "linger_seconds": limits.idle_seconds,
            "most": limits.connections,
            "refusal": staticmethod(refusal_of_garbage(installation.new_request_id)),
        },
    )
    tls: dict[str, Any] = {}
    if settings.tls_cert is not None and settings.tls_key is not None:
        tls = {"ssl_certfile": settings.tls_cert, "ssl_keyfile": settings.tls_key}
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=max(1, round(limits.stop_seconds)),
        **tls,
    )
    return _Server(config)
