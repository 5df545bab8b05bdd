"""The HTTP applications: checks before a request reaches a handler, and the metrics and log of each request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from senseid import bodies, outcomes
from senseid.decisions import Figures
from senseid.errors import OperationError
from senseid_service import page_shapes
from senseid_service.body_limit import Bounded
from senseid_service.callers import Screened
from senseid_service.decision_writer import decision_record
from senseid_service.endpoints import ENDPOINTS, HEALTH_PATH, HEALTH_PATHS, LIVE_PATH
from senseid_service.handler import Answer, Request
from senseid_service.log import AbandonedError
from senseid_service.metrics import CONTENT_TYPE
from senseid_service.page import HEADERS as PAGE_HEADERS
from senseid_service.page_access import TOKEN_HEADER
from senseid_service.pool import BusyError, FailedError
from senseid_service.remote import API_KEY_HEADER, REQUEST_ID_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.requests import Request as HttpRequest
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from senseid.outcomes import Outcome
    from senseid_service.callers import Callers
    from senseid_service.decision_writer import DecisionWriter
    from senseid_service.log import Log
    from senseid_service.metrics import Metrics
    from senseid_service.page import PageFile
    from senseid_service.page_access import PageAccess
    from senseid_service.pool import LocalPool
    from senseid_service.rate import RateLimit
    from senseid_service.remote import RemotePool
    from senseid_service.samples import Sample
    from senseid_service.settings import Limits
    from senseid_service.steps import Step
    from senseid_service.tracing import Tracing

_REQUEST_ID: Final = re.compile("[0-9a-f]{32}")
_RETRY_SECONDS: Final = "1"
_NOBODY: Final = "no handler answers"
_START_SECONDS: Final = 60.0

OPENAPI_PATH: Final = "/openapi.json"

_PARAMETERS: Final = {
    name
    for endpoint in ENDPOINTS.values()
    for parameter in endpoint.parameters
    for name in (parameter.name, *parameter.plain)
}


@dataclass(slots=True)
class Facts:
    """Facts about one request for metrics and log; nothing of its content.

    Attributes:
        code: the code of the body.
        reason: why it was refused.
        queued: seconds in the queue, if it got there.
        handled: seconds that a handler worked on it, if it got there.
        received: bytes of its body.
        figures: the numbers of a result.
        trace: the `traceparent` of its span; empty where nothing is traced.
        steps: the steps that it took, where it is traced.
    """

    code: int = 0
    reason: str = ""
    queued: float | None = None
    handled: float | None = None
    received: int = 0
    figures: Figures = field(default_factory=Figures)
    trace: str = ""
    steps: tuple[Step, ...] = ()


class _RefusedError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


@dataclass(slots=True)
class HttpState:
    """State that all requests of one process share.

    Attributes:
        pool: answers requests.
        limits: what a client may take.
        rate: the rate limit of a client.
        api_keys: SHA-256 of each key; if empty, no key is required.
        cannot: the endpoints that are refused now, each with the reason, such as an expired licence.
        log: the log of all requests.
        metrics: the metrics of all requests.
        new_request_id: 32 hex digits.
        threshold: the score from which on a result counts as a match.
        role: the part of the service, for the decision log.
        decisions: the decision log, or None.
        tracing: makes spans, or None.
        tells_details: whether a request may ask for more than the API tells, as the page does.
        buffered: bytes of bodies in memory.
        start_until: until when it is no news that nobody answers yet, by `time.perf_counter`; 0 once somebody did.
    """

    pool: LocalPool | RemotePool
    limits: Limits
    rate: RateLimit
    api_keys: tuple[bytes, ...] = field(repr=False)
    cannot: Callable[[], Mapping[str, str]]
    log: Log
    metrics: Metrics
    new_request_id: Callable[[], str]
    threshold: float
    role: str
    decisions: DecisionWriter | None
    tracing: Tracing | None
    tells_details: bool = False
    buffered: int = 0
    start_until: float = field(default_factory=lambda: time.perf_counter() + _START_SECONDS)

    def hold(self, count: int, length: int) -> None:
        """Count more bytes in memory. Received bytes count, not announced ones: announcing costs nothing.

        Args:
            count: the bytes that were received just now.
            length: the length of their body so far.

        Raises:
            _RefusedError: it is too long, or there is no room for it; the bytes are counted anyway.
        """
        self.buffered += count
        if length > self.limits.body_bytes:
            raise _RefusedError(outcomes.TOO_LARGE)
        if self.buffered > self.limits.buffer_bytes:
            raise _RefusedError(outcomes.UNAVAILABLE)

    def is_starting(self) -> bool:
        """Whether models are loading, or workers are being looked for, for the first time and not for too long."""
        if self.start_until and (self.pool.state.ready or time.perf_counter() > self.start_until):
            self.start_until = 0.0
        return self.start_until > 0

    def admits(self, headers: Headers) -> bool:
        """Whether the request carries a valid API key. Takes the same time for every key."""
        if not self.api_keys:
            return True
        given = hashlib.sha256(_api_key(headers).encode("utf-8", "surrogateescape")).digest()
        # Not any(): it would stop at the first that fits.
        return bool(sum([hmac.compare_digest(given, key) for key in self.api_keys]))


def hashed(api_keys: tuple[str, ...]) -> tuple[bytes, ...]:
    """Hash API keys for `HttpState`."""
    return tuple(hashlib.sha256(key.encode()).digest() for key in api_keys)


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of a service with a page besides the API.

    Attributes:
        files: those of the page, by path.
        samples: photos and videos to try.
        access: the way into the page by a link; None where there is none, and keys are typed.
        used: called when the link was used.
    """

    files: Mapping[str, PageFile]
    samples: tuple[Sample, ...]
    access: PageAccess | None
    used: Callable[[], None]


def api_app(state: HttpState, callers: Callers, *, openapi: bytes, page: Page | None) -> ASGIApp:
    """The application of the API: the endpoints, the health check and the OpenAPI document.

    Args:
        state: the state that requests share.
        callers: the accepted hosts and origins.
        openapi: the document, JSON.
        page: the page; None if it is off.
    """

    async def document(_: HttpRequest) -> Response:
        return Response(openapi, media_type="application/json")

    routes = [Route(OPENAPI_PATH, document), *(_page_routes(state, page) if page is not None else ())]
    return _application(state, lambda _: {"code": bodies.OK_CODE}, callers, routes, trusts_ids=False)


def worker_app(state: HttpState, callers: Callers) -> ASGIApp:
    """The application of a worker: the endpoints for the API in front of it, and its own health check."""
    return _application(state, lambda request_id: {"request_id": request_id}, callers, [], trusts_ids=True)


def _page_routes(state: HttpState, page: Page) -> Iterator[Route]:
    by_number = {str(number): sample for number, sample in enumerate(page.samples)}

    async def facts(_: HttpRequest) -> Response:
        told: page_shapes.PageFacts = {"threshold": bodies.DEFAULT_THRESHOLD, "samples": len(page.samples)}
        if page.access is not None:
            told["run"] = page.access.run
        return _json(200, told)

    async def enter(request: HttpRequest) -> Response:
        if page.access is None or not page.access.use(request.headers.get(TOKEN_HEADER, "")):
            return _refusal(request, outcomes.FORBIDDEN)
        request.state.facts.code = bodies.OK_CODE
        page.used()
        key = page.access.key
        given: page_shapes.PageKeys = {
            "key": key.secret.decode(),
            "iv": key.fixed_iv.decode(),
            "api_key": page.access.api_key,
            "run": page.access.run,
        }
        return _json(200, given)

    async def samples(request: HttpRequest) -> Response:
        if not state.admits(request.headers):
            return _refusal(request, outcomes.UNAUTHORISED)
        listed: page_shapes.PageSamples = {
            "samples": [{"name": sample.name, "kind": sample.kind} for sample in page.samples]
        }
        return _json(200, listed)

    async def sample(request: HttpRequest) -> Response:
        wanted = by_number.get(request.path_params["number"])
        if not state.admits(request.headers):
            return _refusal(request, outcomes.UNAUTHORISED)
        if wanted is None:
            return _refusal(request, outcomes.NOT_FOUND)
        try:
            data = await asyncio.to_thread(wanted.read)
        except OSError:
            return _refusal(request, outcomes.NOT_FOUND)
        return Response(data, media_type="application/octet-stream")

    yield from (Route(path, partial(_send_file, file)) for path, file in page.files.items())
    yield Route("/page/facts", facts)
    yield Route("/page/enter", enter, methods=["POST"])
    yield Route("/page/samples", samples)
    yield Route("/page/samples/{number}", sample)


async def _send_file(file: PageFile, _: HttpRequest) -> Response:
    return Response(file.data, headers={"content-type": file.content_type, **PAGE_HEADERS})


def metrics_app(state: HttpState, callers: Callers) -> ASGIApp:
    """The application of the metrics' own port."""

    async def read(_: HttpRequest) -> Response:
        return Response(state.metrics.text(), media_type=CONTENT_TYPE)

    app = Starlette(routes=[Route("/metrics", read)])
    return Bounded(Screened(app, callers, state.new_request_id), state.limits.body_bytes)


def refusal_of_garbage(new_request_id: Callable[[], str]) -> Callable[[], bytes]:
    """A function that makes the body of the answer to bytes that are not HTTP."""
    return lambda: bodies.json_text(bodies.error_body(outcomes.USAGE, new_request_id())).encode()


def _application(
    state: HttpState,
    begin: Callable[[str], dict[str, Any]],
    callers: Callers,
    routes: list[Route],
    *,
    trusts_ids: bool,
) -> ASGIApp:
    async def not_found(request: HttpRequest, _: Exception) -> Response:
        return _refusal(request, outcomes.NOT_FOUND)

    async def wrong_method(request: HttpRequest, error: Exception) -> Response:
        allow = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
        return _refusal(request, outcomes.METHOD_NOT_ALLOWED, {"allow": allow})

    async def failed(request: HttpRequest, _: Exception) -> Response:
        return _refusal(request, outcomes.INTERNAL, {"connection": "close"})

    async def health(request: HttpRequest) -> Response:
        facts: Facts = request.state.facts
        path, cannot = request.url.path, dict(state.cannot())
        trouble = "" if state.pool.state.ready else _NOBODY
        if not trouble and cannot and (path == HEALTH_PATH or cannot.keys() >= ENDPOINTS.keys()):
            trouble = next(iter(cannot.values()))
        # While no handler is ready, the licences do not matter.
        told = {"cannot": cannot} if cannot and trouble != _NOBODY else {}
        if path == LIVE_PATH:
            trouble, told = "", {}
        if not trouble:
            facts.code = bodies.OK_CODE
            return _json(200, {**begin(request.state.request_id), "status": "ok", **told})
        facts.code, facts.reason = outcomes.UNAVAILABLE.code, trouble
        body = bodies.error_body(outcomes.UNAVAILABLE, request.state.request_id)
        return _json(outcomes.UNAVAILABLE.http_status, {**body, "status": trouble, **told})

    app = Starlette(
        routes=[
            *(Route(path, partial(_post, state), methods=["POST"]) for path in ENDPOINTS),
            *(Route(path, health, methods=["GET"]) for path in HEALTH_PATHS),
            *routes,
        ],
        exception_handlers={404: not_found, 405: wrong_method, Exception: failed},
        middleware=[_cors(callers.origins)] if callers.origins else [],
    )
    app.router.redirect_slashes = False
    inner = Bounded(Screened(app, callers, state.new_request_id), state.limits.body_bytes)
    return Observed(inner, state, trusts_ids=trusts_ids)


def _cors(origins: tuple[str, ...]) -> Middleware:
    return Middleware(
        CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=[API_KEY_HEADER]
    )


class Observed:
    """Middleware that gives each request its id, counts and logs it, and catches all exceptions."""

    def __init__(self, app: ASGIApp, state: HttpState, *, trusts_ids: bool) -> None:
        self._app = app
        self._state = state
        self._trusts_ids = trusts_ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        headers = Headers(scope=scope)
        request_id = self._request_id(headers)
        facts = Facts()
        tracing, span = self._state.tracing, None
        if tracing is not None and scope["path"] in ENDPOINTS:
            span = tracing.begin("POST" if scope["method"] == "POST" else "_OTHER", scope["path"], headers)
            facts.trace = tracing.header(span)
        scope.setdefault("state", {}).update(request_id=request_id, facts=facts)
        status, complete = 0, False

        async def send_with_id(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                headers.setdefault("cache-control", "no-store")
                headers.setdefault("x-content-type-options", "nosniff")
            async with asyncio.timeout(self._state.limits.idle_seconds):
                await send(message)
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:  # its text is not logged: it may contain anything
            facts.reason = "the answer was not taken" if isinstance(error, TimeoutError) else type(error).__name__
        self._tell(scope, request_id, facts, status, time.perf_counter() - begin)
        if tracing is not None and span is not None:
            tracing.end(
                span, status=status, code=facts.code, request_id=request_id, queued=facts.queued, steps=facts.steps
            )
        if not complete:
            # An answer that stops halfway must not look complete: this makes uvicorn close the connection.
            raise AbandonedError

    def _request_id(self, headers: Headers) -> str:
        given = headers.get(REQUEST_ID_HEADER, "") if self._trusts_ids else ""
        return given if _REQUEST_ID.fullmatch(given) else self._state.new_request_id()

    def _tell(self, scope: Scope, request_id: str, facts: Facts, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in HEALTH_PATHS or scope["path"] in ENDPOINTS else "other"
        self._state.metrics.observe(path, status, facts.code, seconds, queued=facts.queued, handled=facts.handled)
        self._state.metrics.decide(path, facts.figures, facts.figures.verdict(self._state.threshold))
        if path in HEALTH_PATHS and (status == 200 or self._state.is_starting()):
            return
        told: dict[str, object] = {"reason": facts.reason} if facts.reason else {}
        if facts.queued is not None and facts.handled is not None:
            told |= {"queue_ms": _milliseconds(facts.queued), "handler_ms": _milliseconds(facts.handled)}
        self._state.log.event(
            "request",
            {500: "error", 503: "warning"}.get(status, "info"),
            request_id=request_id,
            method=scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS"} else "other",
            path=path,
            status=status,
            code=facts.code,
            ms=_milliseconds(seconds),
            received=facts.received,
            **told,
        )


async def _post(state: HttpState, request: HttpRequest) -> Response:
    refused = _refuse_by_headers(state, request)
    if refused is not None:
        return refused
    try:
        body = await _read_body(state, request)
    except _RefusedError as error:
        return _refusal(request, error.outcome)
    except ClientDisconnect:
        return _gone(request)
    facts: Facts = request.state.facts
    facts.received = len(body)
    try:
        answer = await _ask(state, request, body)
    except ClientDisconnect:
        return _gone(request)
    except BusyError:
        return _refusal(request, outcomes.UNAVAILABLE, {"retry-after": _RETRY_SECONDS})
    except FailedError:
        facts.reason = "every handler that took it up ended"
        return _refusal(request, outcomes.INTERNAL)
    finally:
        state.buffered -= len(body)
    facts.code, facts.reason = answer.code, answer.reason
    if state.decisions is not None:
        try:
            await state.decisions.write(
                decision_record(
                    request.state.request_id,
                    request.url.path,
                    answer.code,
                    answer.figures,
                    role=state.role,
                    threshold=state.threshold,
                )
            )
        except OperationError as error:
            facts.reason = str(error)
            return _refusal(request, outcomes.INTERNAL)
    facts.figures = answer.figures
    headers = {"retry-after": _RETRY_SECONDS} if answer.http_status == outcomes.UNAVAILABLE.http_status else None
    return Response(answer.body, answer.http_status, headers, "application/json")


def _gone(request: HttpRequest) -> Response:
    """The answer to a client that has disconnected; it only goes to the log."""
    facts: Facts = request.state.facts
    facts.reason = "the client went away"
    return _refusal(request, outcomes.USAGE)


def _refuse_by_headers(state: HttpState, request: HttpRequest) -> Response | None:
    """Refuse a request by its headers, before the body is read."""
    if not state.admits(request.headers):
        return _refusal(request, outcomes.UNAUTHORISED, {"www-authenticate": "Bearer"})
    if not state.rate.allows(request.client.host if request.client else ""):
        return _refusal(request, outcomes.TOO_MANY, {"retry-after": _RETRY_SECONDS})
    if not _PARAMETERS.isdisjoint(request.query_params):
        # It would be ignored, or put media into the access logs of proxies: the client wants neither.
        facts: Facts = request.state.facts
        facts.reason = "a parameter is in the query string"
        return _refusal(request, outcomes.USAGE)
    length = request.headers.get("content-length")
    if length is None:
        return _refusal(request, outcomes.LENGTH_REQUIRED)
    if int(length) > state.limits.body_bytes:
        return _refusal(request, outcomes.TOO_LARGE)
    if state.pool.is_full or state.buffered + int(length) > state.limits.buffer_bytes:
        return _refusal(request, outcomes.UNAVAILABLE, {"retry-after": _RETRY_SECONDS})
    return None


async def _read_body(state: HttpState, request: HttpRequest) -> bytearray:
    """Read the whole body; its length counts as buffered until the caller subtracts it.

    Raises:
        _RefusedError: it arrives too slowly, is too long, or there is no room for it.
        ClientDisconnect: it was cut off.
    """
    # It grows in place: joining pieces at the end would need the memory twice.
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(state.limits.body_seconds):
            while more:
                async with asyncio.timeout(state.limits.idle_seconds):
                    piece, more = await _receive(request)
                body += piece
                state.hold(len(piece), len(body))
    except BaseException as error:
        state.buffered -= len(body)
        if isinstance(error, TimeoutError):
            raise _RefusedError(outcomes.TOO_SLOW) from None
        raise
    return body


async def _receive(request: HttpRequest) -> tuple[bytes, bool]:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


async def _ask(state: HttpState, request: HttpRequest, body: bytearray) -> Answer:
    """Have a request answered, unless the client disconnects while it waits.

    Raises:
        BusyError: there is no room.
        FailedError: nobody could answer.
        ClientDisconnect: the client has gone.
    """
    asked = Request(
        request.state.request_id,
        request.url.path,
        request.headers.get("content-type", ""),
        body,
        details=state.tells_details and request.headers.get(page_shapes.HEADER) == "true",
        trace=request.state.facts.trace,
    )
    answering = asyncio.create_task(state.pool.answer(asked))
    leaving = asyncio.create_task(_leave(request))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            raise ClientDisconnect
        answered = answering.result()
    finally:
        for task in (answering, leaving):
            task.cancel()
    facts: Facts = request.state.facts
    facts.queued, facts.handled = answered.queue_seconds, answered.answer.seconds
    facts.steps = answered.answer.steps
    return answered.answer


async def _leave(request: HttpRequest) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(status: int, body: Mapping[str, object]) -> Response:
    return Response(bodies.json_text(body), status, media_type="application/json")


def _refusal(request: HttpRequest, outcome: Outcome, headers: dict[str, str] | None = None) -> Response:
    facts: Facts = request.state.facts
    facts.code = outcome.code
    text = bodies.json_text(bodies.error_body(outcome, request.state.request_id))
    return Response(text, outcome.http_status, headers, "application/json")


def _api_key(headers: Headers) -> str:
    given = headers.get(API_KEY_HEADER)
    if given is not None:
        return given
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)
