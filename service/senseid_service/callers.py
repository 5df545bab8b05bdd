"""Checks on every path, before anything else handles the request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.responses import Response

from senseid import bodies, outcomes
from senseid_service.body_limit import is_chunked
from senseid_service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from senseid.outcomes import Outcome


_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Callers:
    """The accepted hosts and origins of a listener.

    Attributes:
        hosts: its accepted names, in lower case; None accepts any. A service that only this machine reaches accepts
            few: a page on the internet may point its own name here (DNS rebinding), and could then talk to this service
            as same-origin.
        origins: the origins of pages that may call; `*` is all. Its own origin is always accepted.
    """

    hosts: frozenset[str] | None
    origins: tuple[str, ...]

    def knows(self, host: str) -> bool:
        """Whether a `Host` is a name of this listener."""
        return self.hosts is None or _name(host) in self.hosts

    def take(self, origin: str, host: str) -> bool:
        """Whether a page may call a listener by this name. If others reach it, keys decide: no page has one."""
        same = origin.partition("://")[2].lower() == host.lower()
        return self.hosts is None or same or not {origin, "*"}.isdisjoint(self.origins)


def callers_of(address: str, hosts: tuple[str, ...], origins: tuple[str, ...] = ()) -> Callers:
    """Determine the accepted hosts and origins of a listener.

    Args:
        address: its address.
        hosts: other names of it.
        origins: origins of pages that may call it, besides its own.
    """
    if not is_loopback(address):
        return Callers(None, origins)
    return Callers(_LOCAL | {name.lower() for name in (address, *hosts)}, origins)


def _name(host: str) -> str:
    """The name of a `Host`, without its port."""
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].removesuffix(".")


class Screened:
    """Middleware that passes requests with unambiguous framing from accepted callers."""

    def __init__(self, app: ASGIApp, callers: Callers, new_request_id: Callable[[], str]) -> None:
        """Wrap an application.

        Args:
            app: answers the accepted requests.
            callers: the accepted hosts and origins.
            new_request_id: 32 hex digits, for a refusal of a request that has none.
        """
        self._app = app
        self._callers = callers
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refused = self._refusal(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
            return
        outcome, reason = refused
        state = scope.get("state", {})
        if "facts" in state:
            state["facts"].code, state["facts"].reason = outcome.code, reason
        body = bodies.error_body(outcome, state.get("request_id") or self._new_request_id())
        headers = {"connection": "close"}
        response = Response(bodies.json_text(body), outcome.http_status, headers, "application/json")
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[Outcome, str] | None:
        """The answer to a refused request, and the reason."""
        headers = Headers(scope=scope)
        # RFC 9112, 6.1 and 6.3: a proxy in front may have seen the end of the body elsewhere, and the rest as a request
        # of somebody else. Likewise for chunks in HTTP/1.0, which has none.
        if is_chunked(headers) and ("content-length" in headers or scope["http_version"] != "1.1"):
            return outcomes.USAGE, "its length is given in two ways"
        host, origin = headers.get("host", ""), headers.get("origin")
        # HTTP/1.0 has requests without a name; no browser sends them.
        if "host" in headers and not self._callers.knows(host):
            return outcomes.FORBIDDEN, "its Host is no name of this service: see SENSEID_HOSTS"
        if origin is not None and not self._callers.take(origin, host):
            return outcomes.FORBIDDEN, "its Origin is another page: see SENSEID_CORS_ORIGINS"
        return None
