"""Limits for the bodies of all requests: received bytes are counted, not announced ones."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

from senseid import outcomes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DRAIN_SECONDS: Final = 5.0


class Bounded:
    """Middleware that closes the connection after every answer that is sent before the whole body has arrived.

    The answer is sent at once. The rest of the body is then read and dropped for a while: closing at once would reset
    the connection, and many clients would see that instead of the answer.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        """Wrap an application.

        Args:
            app: answers the requests.
            most: bytes of a body that are dropped before the connection is closed.
        """
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        body = _Body(receive, announced=is_chunked(headers) or headers.get("content-length", "0").strip("0") != "")
        # A client that waits for "100 Continue" will send no body.
        drains = headers.get("expect", "").lower() != "100-continue"

        async def send_out(message: Message) -> None:
            nonlocal drains
            if body.is_complete:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["connection"] = "close"
                drains = drains and message["status"] != outcomes.TOO_SLOW.http_status
                await send(message)
            elif message.get("more_body", False) or not drains:
                await send(message)
            else:
                await send({**message, "more_body": True})
                await body.drop(self._most)
                await send({"type": "http.response.body", "body": b""})

        await self._app(scope, body.receive, send_out)


def is_chunked(headers: Headers) -> bool:
    """Whether the body comes in chunks, however long it is."""
    return "transfer-encoding" in headers


class _Body:
    """The body of a request while it arrives."""

    def __init__(self, receive: Receive, *, announced: bool) -> None:
        self._receive = receive
        self.is_complete = not announced

    async def receive(self) -> Message:
        message = await self._receive()
        self.is_complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drop(self, most: int) -> None:
        """Read and drop the rest, up to a number of bytes and for a limited time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                while most > 0 and not self.is_complete:
                    most -= len((await self.receive()).get("body", b""))
