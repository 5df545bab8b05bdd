"""What is refused on every path, before anything else looks at the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import Response

from senseid_cli import exits, render
from senseid_cli.service.bounded import is_chunked

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from senseid_cli.exits import Outcome


class Screened:
    """Lets requests through whose end cannot be mistaken."""

    def __init__(self, app: ASGIApp, new_request_id: Callable[[], str]) -> None:
        """Refuses nothing yet.

        Args:
            app: answers the others.
            new_request_id: 32 hex digits, for a refusal of a request that has none.
        """
        self._app = app
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
        body = render.error_body(outcome, state.get("request_id") or self._new_request_id())
        headers = {"connection": "close"}
        response = Response(render.json_text(body), outcome.http_status, headers, "application/json")
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[Outcome, str] | None:
        """How a request is answered that goes no further, and why."""
        headers = Headers(scope=scope)
        # RFC 9112, 6.1 and 6.3: a proxy in front may have taken another end of it for the right one, and what follows
        # for a request of somebody else. The same of chunks in HTTP/1.0, which has none.
        if is_chunked(headers) and ("content-length" in headers or scope["http_version"] != "1.1"):
            return exits.USAGE, "its length is given in two ways"
        return None
