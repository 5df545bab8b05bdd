"""What libraries say, as events of the log."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from senseid_service.log import AbandonedError, Log, LogHandler


def logged(error: Exception) -> list[dict[str, str]]:
    """The events that a library's report of an error becomes."""
    lines: list[bytes] = []
    handler = LogHandler(Log(lines.append, lambda: datetime(2026, 11, 24, tzinfo=UTC)))
    try:
        raise error
    except type(error):
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "it failed", None, sys.exc_info())
    handler.handle(record)
    return [json.loads(line) for line in lines]


def test_the_text_of_an_exception_stays_out() -> None:
    (event,) = logged(ValueError("a secret"))
    assert (event["event"], event["level"], event["exception"]) == ("library", "error", "ValueError")
    assert "secret" not in json.dumps(event)


def test_a_client_that_went_away_is_no_failure_of_a_library() -> None:
    assert logged(AbandonedError()) == []


def test_what_a_library_says_again_and_again_is_written_once_a_second() -> None:
    """Else whoever opens more connections than there may be files fills the disk."""
    lines: list[bytes] = []
    handler = LogHandler(Log(lines.append, lambda: datetime(2026, 11, 24, tzinfo=UTC)))
    for second in (100.0, 100.1, 100.9, 101.0, 101.5, 50.0):  # at last the clock is set back
        for _ in range(1000):
            record = logging.LogRecord("asyncio", logging.ERROR, "", 0, "out of system resource", None, None)
            record.created = second
            handler.handle(record)
    assert len(lines) == 3
    other = logging.LogRecord("asyncio", logging.ERROR, "", 0, "another", None, None)
    handler.handle(other)
    assert len(lines) == 4
