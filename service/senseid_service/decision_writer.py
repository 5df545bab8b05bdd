"""The decision log of the service: every answer of a handler is on the disk before the client has it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from senseid import bodies
from senseid.errors import OperationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from senseid.decision_log import DecisionLog
    from senseid.decisions import Figures
    from senseid_service.log import Log

_DAY: Final = 24 * 3600


def decision_record(
    request_id: str, path: str, code: int, figures: Figures, *, role: str, threshold: float
) -> dict[str, Any]:
    """The fields of a record about one answer."""
    event = "decision" if code == bodies.OK_CODE else "refusal"
    head = {"event": event, "source": "serve", "role": role, "request_id": request_id, "path": path, "code": code}
    return {**head, **figures.facts(threshold)}


class DecisionWriter:
    """Writes for all requests of the HTTP process. Those that come while the disk works are written together."""

    def __init__(self, file: DecisionLog, log: Log) -> None:
        """Write nothing yet.

        Args:
            file: the decision log.
            log: the log of this process, which is told of purges.
        """
        self._file = file
        self._log = log
        self._waiting: list[tuple[Mapping[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, record: Mapping[str, Any]) -> None:
        """Append one record, and return when it is on the disk.

        Raises:
            OutputError: it cannot be written.
            NoKeyError: the log is sealed with another key.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await future

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error = None
            try:
                await asyncio.to_thread(self._file.append, [record for record, _ in batch])
            except Exception as found:  # whoever waits must hear of any
                error = found
            for _, future in batch:
                if future.done():  # the client has gone
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)

    async def keep_for(self, days: float, clock: Callable[[], datetime]) -> None:
        """Purge what is older, now and then once a day, for ever."""
        while True:
            try:
                removed = await asyncio.to_thread(self._file.purge, clock() - timedelta(days=days))
                if removed:
                    self._log.event("decisions_purged", records=removed)
            except OperationError as error:
                self._log.event("decisions_not_purged", "error", reason=str(error))
            await asyncio.sleep(_DAY)
