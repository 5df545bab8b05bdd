"""The clock's high-water mark: once a time has been seen, an earlier one is refused.

Without it, a clock set back makes an expired licence valid again. The mark is a file that its owner can delete; what
remains then is that no licence is older than its own signature.

A mark is wrong if a clock ran ahead by mistake. A licence that is newer than all before it resets the mark, because
the vendor's signature proves the time; so does `senseid license reset-clock`, for users who are their own vendor.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from senseid_licensing.document import Json, canonical, parse_document, pretty
from senseid_licensing.errors import ClockError, LicenceMissingError, LicensingError, StorageError
from senseid_licensing.fields import Fields
from senseid_licensing.files import read_file, write_file
from senseid_licensing.instant import format_instant, whole_second

if TYPE_CHECKING:
    from pathlib import Path

# Time services step clocks back by this much in normal operation, and two machines' clocks differ by as much.
SLACK = timedelta(minutes=5)
# A mark that follows the clock this closely is good enough, so that not every run writes.
_STEP = timedelta(minutes=1)
# Stands for 'no licence yet'.
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
# There was no licence before this, and this release will not run so late. A clock with an empty battery shows the
# start of its calendar; one that was set ahead by decades would leave a mark that refuses everything.
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_LAST = datetime(2076, 1, 1, tzinfo=UTC)
_SALT = b"senseid clock v1\0"


@dataclass(frozen=True, slots=True)
class Mark:
    """The times that were seen.

    Attributes:
        latest: the latest time since the newest licence came.
        newest_issue: when the newest licence that was ever verified was signed.
    """

    latest: datetime
    newest_issue: datetime


_UNMARKED = Mark(NEVER, NEVER)


def check_plausible(now: datetime) -> None:
    """Refuse an implausible time, before it is used. Raises `ClockError`."""
    if not _FIRST <= now < _LAST:
        raise ClockError(
            f"the clock shows {format_instant(now)}, which cannot be",
            remedy="set the clock right: `date -u` shows it",
        )


class ClockRecord:
    """The mark of one installation, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, now: datetime, newest_issue: datetime) -> None:
        """Refuse a time before the latest one seen, and remember any other.

        A file that cannot be written (a read-only data directory) is not an error.

        Args:
            now: an aware datetime.
            newest_issue: when the newest valid licence was signed. If newer than all before it, it overrides the mark.

        Raises:
            ClockError: the clock was set back, or the file was edited.
        """
        self.keep(_advance(self._read(), now, newest_issue))

    def admit(self, now: datetime, issued: datetime) -> Mark:
        """Return the mark after a licence is installed. Nothing is written, as the installation may still fail.

        Any licence that verifies repairs a damaged mark. Raises `ClockError` if the clock was set back.
        """
        try:
            mark = self._read()
        except ClockError:
            mark = _UNMARKED
        return _advance(mark, now, issued)

    def keep(self, mark: Mark) -> None:
        """Write the mark, unless the file holds an equivalent one, or cannot be written."""
        try:
            old = self._read()
        except ClockError:
            old = _UNMARKED
        if mark.newest_issue > old.newest_issue or mark.latest >= old.latest + _STEP:
            with suppress(StorageError):
                self._write(mark)

    def reset(self, now: datetime) -> datetime | None:
        """Reset the mark to `now`, and return the latest time that was seen; None if there was no readable mark.

        Only users who are their own vendor may do this. Raises `StorageError`.
        """
        try:
            old = self._read()
        except LicensingError:
            old = _UNMARKED
        self._write(Mark(whole_second(now), NEVER))
        return None if old == _UNMARKED else old.latest

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
                remedy=f"set the clock right, then {_OUT}",
            ).at(str(self._path)) from None

    def _write(self, mark: Mark) -> None:
        body: Json = {"latest": format_instant(mark.latest), "newest_issue": format_instant(mark.newest_issue)}
        write_file(self._path, pretty({"mark": body, "check": _check(body)}))


_OUT = "run `senseid license reset-clock`, or install a licence that your vendor issues now"


def _advance(mark: Mark, now: datetime, issued: datetime) -> Mark:
    """The mark after `now`, at which a licence of `issued` verified. Raises `ClockError` if the clock was set back."""
    second = whole_second(now)
    if issued > mark.newest_issue:
        return Mark(second, issued)
    if second + SLACK < mark.latest:
        raise ClockError(
            f"the clock shows {format_instant(second)}, and {format_instant(mark.latest)} was already seen",
            remedy=f"set the clock right; if it once ran ahead by mistake, {_OUT}",
        )
    return Mark(max(second, mark.latest), mark.newest_issue)


def _check(body: Json) -> str:
    """Checksum against manual edits and torn writes. It is not a secret: the record keeps honest users honest."""
    return hashlib.sha256(_SALT + canonical(body)).hexdigest()
