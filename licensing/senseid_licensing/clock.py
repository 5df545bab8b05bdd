"""The clock's high-water mark: once a time has been seen, an earlier one is not believed.

Without it, a clock set back makes an expired licence valid again. The mark is a file that its owner can delete; what
remains then is that no licence is older than its own signature.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from senseid_licensing.document import Json, canonical, parse_document, pretty
from senseid_licensing.errors import ClockError, LicenceMissingError, LicensingError, StorageError
from senseid_licensing.fields import Fields
from senseid_licensing.files import read_file, remove_file, write_file
from senseid_licensing.instant import format_instant, whole_second

if TYPE_CHECKING:
    from pathlib import Path

# Time services step clocks back by this much in ordinary operation.
SLACK = timedelta(minutes=5)
# A mark that follows the clock this closely is good enough, and not every run writes.
_STEP = timedelta(minutes=1)
# Stands for 'no licence yet'.
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_SALT = b"senseid clock v1\0"


@dataclass(frozen=True, slots=True)
class Mark:
    """What was seen.

    Attributes:
        latest: the latest time.
        newest_issue: when the newest licence that was ever installed was signed.
    """

    latest: datetime
    newest_issue: datetime


_UNMARKED = Mark(NEVER, NEVER)


class ClockRecord:
    """The mark of one installation, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, now: datetime, newest_issue: datetime) -> None:
        """Refuses a time before the latest one seen, or before a licence was signed; else remembers it.

        A file that cannot be written (a read-only data directory) is no reason to refuse.

        Raises:
            ClockError: the clock was set back, or the file was edited.
        """
        second = whole_second(now)
        mark = self._read()
        latest = max(mark.latest, newest_issue)
        if second + SLACK < latest:
            raise ClockError(
                f"the clock shows {format_instant(second)}, and {format_instant(latest)} was already seen",
                remedy="set the clock right; if it once ran ahead by mistake, install a licence issued since"
                " (your own: `senseid license quickstart`)",
            )
        if second >= mark.latest + _STEP or newest_issue > mark.newest_issue:
            try:
                self._write(Mark(max(second, latest), max(newest_issue, mark.newest_issue)))
            except StorageError:
                return

    def restart(self, now: datetime, issued: datetime) -> None:
        """Begins the mark anew at `now`, on the word of a licence that is newer than all before it.

        The way out after a clock ran ahead: the vendor's signature says what time it is. An older licence changes
        nothing. Raises `StorageError`.
        """
        try:
            mark = self._read()
        except ClockError:
            mark = _UNMARKED
        if issued > mark.newest_issue:
            self._write(Mark(max(whole_second(now), issued), issued))

    def forget(self) -> None:
        """Removes the mark. Only whoever is their own vendor may ask for this. Raises `StorageError`."""
        remove_file(self._path)

    def _read(self) -> Mark:
        try:
            data = read_file(self._path, "clock record")
        except LicenceMissingError:
            return _UNMARKED
        try:
            fields = Fields(parse_document(data), "the clock record")
            body, check = fields.raw("mark"), fields.text("check")
            mark = fields.inner("mark")
            if check != _check(body):
                raise fields.refuse("check", "right")
            return Mark(mark.instant("latest"), mark.instant("newest_issue"))
        except LicensingError as error:
            raise ClockError(
                f"the clock record was edited or is damaged: {error.message}",
                remedy="install your newest licence again with `senseid license install FILE`",
            ).at(str(self._path)) from None

    def _write(self, mark: Mark) -> None:
        body: Json = {"latest": format_instant(mark.latest), "newest_issue": format_instant(mark.newest_issue)}
        write_file(self._path, pretty({"mark": body, "check": _check(body)}))


def _check(body: Json) -> str:
    """Finds edits by hand and torn files. It is no secret: the record keeps honest users honest."""
    return hashlib.sha256(_SALT + canonical(body)).hexdigest()
