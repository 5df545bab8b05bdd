"""Log lines: one JSON object each, with nothing in it that a client sent."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


_AGAIN_SECONDS = 1.0
"""For so long a library's message that comes again is left out."""


class AbandonedError(ConnectionError):
    """The client did not take its answer, and the connection has to be closed. The request's own line says so."""


class Log:
    """Writes events."""

    def __init__(self, write: Callable[[bytes], object], clock: Callable[[], datetime]) -> None:
        """Open nothing.

        Args:
            write: writes one whole line, so that the lines of several processes do not mix.
            clock: the time, UTC.
        """
        self._write = write
        self._clock = clock

    def event(self, name: str, level: str = "info", **facts: object) -> None:
        """Write one event; a log that cannot be written does not stop the service."""
        stamp = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": stamp, "level": level, "event": name, **facts}, separators=(",", ":"))
        try:
            self._write(line.encode() + b"\n")
        except OSError:
            return


class LogHandler(logging.Handler):
    """Turns log records of libraries into events, without the texts of exceptions, which may contain anything."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._last: tuple[object, ...] = ()
        self._last_at = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, unless it is about a client that disconnected, or the last one was the same.

        Where no more files can be open, asyncio says so thousands of times a second, and the log would fill the disk.
        """
        if record.exc_info and isinstance(record.exc_info[1], AbandonedError):
            return
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        same = (record.name, record.levelno, record.msg, kind)
        if same == self._last and 0 <= record.created - self._last_at < _AGAIN_SECONDS:
            return
        self._last, self._last_at = same, record.created
        facts = {"exception": kind} if kind else {}
        self._log.event("library", record.levelname.lower(), logger=record.name, message=str(record.msg), **facts)
