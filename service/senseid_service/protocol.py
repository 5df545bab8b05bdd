"""uvicorn's HTTP protocol with added protection against slow and silent clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_READ: Final = 64 * 1024
_READ_BUFFER: Final = memoryview(bytearray(_READ))
"""Read buffer of all connections: its content is consumed before the next one reads."""


class GuardedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """Closes connections that send their headers too slowly, leave answers unread, or exceed the limit.

    Subclasses set the attributes.

    Attributes:
        header_seconds: how long the headers of a request may take, from the connection or its first byte on.
        linger_seconds: how long a closed connection may keep unsent data.
        most: maximum of open connections of this server.
        refusal: makes the body of the answer to what is not HTTP.
    """

    header_seconds: float
    linger_seconds: float
    most: int
    refusal: Callable[[], bytes]

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
            return
        self._watch()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  asyncio calls it so
        """Return the shared buffer. asyncio's own would hold 256 KiB for each paused connection."""
        return _READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Process the bytes that were read."""
        self.data_received(bytes(_READ_BUFFER[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Process bytes, and keep the timer running if they are not a complete request yet."""
        super().data_received(data)
        if self.transport.is_closing():
            self._linger()
        elif self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._deadline is None and self.timeout_keep_alive_task is None:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._unwatch()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Limit the time that the client has to read the answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._linger()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._linger()

    def shutdown(self) -> None:
        """Finish running requests, close idle connections."""
        super().shutdown()
        if self.transport.is_closing():
            self._linger()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn calls it so
        """Answer invalid HTTP with a body of the API."""
        import h11

        if self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete:
            self.transport.close()  # part of an answer was sent already
            return
        body = self.refusal()
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        self._unwatch()
        self._deadline = self.loop.call_later(self.header_seconds, self._expire)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _linger(self) -> None:
        """A closed transport waits for its buffer to empty, for ever if the client does not read."""
        self._unwatch()
        self._deadline = self.loop.call_later(self.linger_seconds, self.transport.abort)
