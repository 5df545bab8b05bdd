"""The decision log: appended to by any number of processes, rotated and purged.

docs/formats/decision-log.md. It holds numbers and ids, and neither a picture nor a name unless the caller puts one in.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from senseid.decision_record import FORMAT, START, Link, RecordError, read_record, write_record
from senseid.errors import LogError, NoKeyError, OutputError
from senseid.file_lock import lock
from senseid.version import __version__
from senseid_engine.errors import printable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key import Key

ROTATE_BYTES: Final = 64 * 1024 * 1024
LONGEST_RECORD: Final = 64 * 1024
"""Bytes. A longer one is not written, so the last line of a file is always within reach of its end."""

_SLACK: Final = timedelta(days=1)
_MODE: Final = 0o600
_REMEDY: Final = "check the folder's permissions and the space on its disk"


class DecisionLog:
    """Appends to a log. Any number of processes and threads may, each with an object of its own."""

    def __init__(
        self, path: Path, clock: Callable[[], datetime], key: Key | None = None, *, rotate_bytes: int = ROTATE_BYTES
    ) -> None:
        """Open nothing.

        Args:
            path: the file that is appended to; full ones lie beside it. A link is followed.
            clock: the time, UTC.
            key: seals each record.
            rotate_bytes: the length from which on a file is full.
        """
        self.path = real_path(path)
        self._clock = clock
        self._key = key
        self._rotate_bytes = rotate_bytes
        self._known: tuple[tuple[int, int], Link] | None = None  # inode and length of the file, and its last record

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append records, and return when they are on the disk.

        Args:
            records: their fields; time, number and hashes are added.

        Raises:
            OutputError: they cannot be written, and none of them was.
            LogError: the log's last record is damaged, or the file is no log.
            NoKeyError: the log is sealed with another key.
        """
        with _errors(self.path), _locked(self.path) as file:
            if os.fstat(file).st_size >= self._rotate_bytes and not _torn(file):
                self._rotate(file)
        with _errors(self.path), _locked(self.path) as file:
            self._append(file, records)

    def purge(self, before: datetime) -> int:
        """Remove all records before a time, and leave an anchor in their place by which the rest verifies.

        Returns:
            How many were removed.

        Raises:
            OutputError: files cannot be written.
            LogError: a record is damaged: nothing is removed then.
            NoKeyError: the log is sealed with another key.
        """
        limit = _stamp(before)
        with _errors(self.path), _locked(self.path) as file:
            now = self._clock()
            # What is dated into the future was written under a wrong clock. It would keep what follows it for ever.
            last, count = _last_before(files_of(self.path), limit, _stamp(now + _SLACK))
            if last is None or not count:
                return 0
            note = {"time": _stamp(now), "format": FORMAT, "event": "anchor", "before": limit}
            line, anchor = write_record(note, Link(last.number - 1, last.hash), self._key)
            # First of all, so that nobody else can put an anchor there: one that the chain does not name is refused.
            facts = {"event": "purge", "before": limit, "through": last.number, "anchor": anchor.hash}
            self._append(file, [facts])
            self._cut(line, last)
            self._known = None
            return count

    def _append(self, file: int, records: Sequence[Mapping[str, Any]]) -> None:
        size = os.fstat(file).st_size
        before = self._end(file)
        lines = []
        torn = _torn(file)
        if torn and not torn.startswith(b"{") and not _last_line(file):
            raise LogError(f"{self.path} is no decision log", remedy="name another file: a new log begins there")
        _close_to_others(file)
        if torn:
            # Its writer was cut short, and nobody was told of the decision.
            lines.append(b"\n")
            records = [{"event": "torn", "bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}, *records]
        for facts in records:
            whole = {"time": _stamp(self._clock()), "format": FORMAT, "version": __version__, **facts}
            line, before = write_record(whole, before, self._key)
            if len(line) > LONGEST_RECORD:
                raise OutputError(f"a record for {self.path} is too long", remedy="leave the names out")
            lines.append(line)
        data = b"".join(lines)
        try:
            while data:
                data = data[os.write(file, data) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, size)
            raise
        self._known = (_identity(file), before)

    def _end(self, file: int) -> Link:
        """The last record of the log."""
        if self._known is not None and self._known[0] == _identity(file):
            return self._known[1]
        for data in (_last_line(file), *(_last_line_of(path) for path in reversed(files_of(self.path)[:-1]))):
            if data:
                try:
                    last = read_record(data)
                except RecordError as error:
                    raise LogError(
                        f"the last record of the decision log {self.path} is damaged: {error}",
                        remedy="see `senseid audit verify`; then move the log elsewhere, and a new one begins",
                    ) from None
                if last.key is not None and (self._key is None or self._key.id != last.key):
                    raise NoKeyError(
                        f"the decision log {self.path} is sealed with the key {printable(last.key)}",
                        remedy="set SENSEID_DECISION_LOG_KEY to the name of that key (`senseid audit` also takes --key)"
                        ", or move the log elsewhere, and a new one begins",
                    )
                return last.passed_on
        return START

    def _rotate(self, file: int) -> None:
        """Put the full file aside, under the number of its first record."""
        with os.fdopen(os.dup(file), "rb") as reader:
            reader.seek(0)
            number = _first_number(lines_of(reader))
        if number is None:
            raise LogError(f"the decision log {self.path} holds no record", remedy="move it elsewhere")
        self.path.rename(segment_path(self.path, number))
        _sync_folder(self.path)

    def _cut(self, anchor: bytes, last: Link) -> None:
        """Put the anchor in place of all records up to the last one."""
        old = []
        for path in files_of(self.path):
            with path.open("rb") as file:
                skipped = 0
                for line in lines_of(file):
                    if _is_after(line, last):
                        break
                    skipped += len(line)
                else:
                    old.append(path)
                    continue
                _rewrite(path, anchor, skipped)
            break
        # Until these are gone both they and the anchor say the same.
        for path in old:
            path.unlink()
        _sync_folder(self.path)


def real_path(path: Path) -> Path:
    """Where a log lies that a link may lead to: purging must not replace the link and leave the records."""
    return type(path)(os.path.realpath(path)) if os.path.islink(path) else path


def segment_path(path: Path, number: int) -> Path:
    """Where a full file lies whose first record has that number."""
    return path.with_name(f"{path.stem}.{number:012d}{path.suffix}")


def files_of(path: Path) -> list[Path]:
    """The files of a log, in order: full ones, then the one that is appended to, which need not be there."""
    full = path.parent.glob(f"{_escaped(path.stem)}.{'[0-9]' * 12}{_escaped(path.suffix)}")
    return [*sorted(full), path]


def present_files_of(path: Path) -> list[Path]:
    """Those of `files_of` that are there. Between a full one and the next the one that is appended to is not."""
    return [file for file in files_of(path) if os.path.exists(file)]


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file of a log; pieces of a line that is too long for one, so that any file fits into memory."""
    return iter(lambda: file.readline(LONGEST_RECORD), b"")


def _escaped(text: str) -> str:
    import glob

    return glob.escape(text)


def _first_number(lines: Iterable[bytes]) -> int | None:
    """The number of the first record. A line that a crash cut short may stand before it."""
    for line in lines:
        with suppress(RecordError):
            return read_record(line.rstrip(b"\n")).passed_on.number
    return None


def _is_after(line: bytes, last: Link) -> bool:
    """Whether a line is to stay. One that a crash cut short goes with the record before it."""
    try:
        return read_record(line.rstrip(b"\n")).passed_on.number > last.number
    except RecordError:
        return False


def _last_before(paths: Sequence[Path], limit: str, latest: str) -> tuple[Link | None, int]:
    """The last record before a time, and how many there are up to it, without anchors.

    Args:
        paths: the files of the log.
        limit: the time.
        latest: a record from after this tells nothing by its time, and goes with those that follow it.
    """
    last, count, seen = None, 0, 0
    for path in paths:
        with path.open("rb") as file:
            for line in lines_of(file):
                try:
                    record = read_record(line.rstrip(b"\n"))
                except RecordError as error:
                    if _tells_of_torn(file, line):
                        continue
                    # Cut short: the next to append says so.
                    if path == paths[-1] and not line.endswith(b"\n") and len(line) < LONGEST_RECORD:
                        return last, count
                    raise LogError(f"{path} cannot be purged: {error}", remedy="see `senseid audit verify`") from None
                time = str(record.facts.get("time", ""))
                if limit <= time <= latest and not record.is_anchor:
                    return last, count
                seen += not record.is_anchor
                if time < limit or record.is_anchor:
                    last, count = record.passed_on, seen
    return last, count


def _tells_of_torn(file: BinaryIO, line: bytes) -> bool:
    """Whether the next record says that a crash cut this line short."""
    place = file.tell()
    try:
        return torn_by(file.readline(LONGEST_RECORD), line)
    finally:
        file.seek(place)


def torn_by(following: bytes, line: bytes) -> bool:
    """Whether a record tells that a crash cut that line before it short."""
    try:
        record = read_record(following.rstrip(b"\n"))
    except RecordError:
        return False
    return record.event == "torn" and record.facts.get("sha256") == hashlib.sha256(line.rstrip(b"\n")).hexdigest()


def _rewrite(path: Path, anchor: bytes, skipped: int) -> None:
    """Replace the beginning of a file."""
    draft = path.with_name(path.name + ".purge")
    draft.unlink(missing_ok=True)  # of a process that was killed, or a link that somebody put there
    try:
        with path.open("rb") as old, open(draft, "xb", opener=lambda name, flags: os.open(name, flags, _MODE)) as new:
            new.write(anchor)
            old.seek(skipped)
            while piece := old.read(1 << 20):
                new.write(piece)
            new.flush()
            os.fsync(new.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)  # it holds records, and nothing would look for them there
        raise


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"the decision log {path} cannot be written: {reason_of(error)}", remedy=_REMEDY) from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending, and nobody else appends to it or moves it meanwhile."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, _MODE)
        try:
            lock(file, wait=True)
            # While this waited, the file may have been rotated or purged away.
            if _is_at(file, path):
                yield file
                return
        finally:
            os.close(file)


def _close_to_others(file: int) -> None:
    """Take from everybody but the owner and the group, which may collect logs, what a file that was there let them."""
    if sys.platform == "win32":  # modes mean nothing there
        return
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode) and mode & stat.S_IRWXO:  # a device such as /dev/null stays what it is for all
        with suppress(PermissionError):  # it is somebody else's
            os.fchmod(file, stat.S_IMODE(mode) & ~stat.S_IRWXO)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _identity(file: int) -> tuple[int, int]:
    found = os.fstat(file)
    return found.st_ino, found.st_size


def _tail(file: int) -> bytes:
    size = os.fstat(file).st_size
    length = min(size, 2 * LONGEST_RECORD)
    os.lseek(file, size - length, os.SEEK_SET)
    return os.read(file, length)


def _torn(file: int) -> bytes:
    """Return the bytes after the last end of a line."""
    return _tail(file).rpartition(b"\n")[2]


def _last_line(file: int) -> bytes:
    """The last whole line, without its end; empty if there is none."""
    return _tail(file).rpartition(b"\n")[0].rpartition(b"\n")[2]


def _last_line_of(path: Path) -> bytes:
    file = os.open(path, os.O_RDONLY)
    try:
        return _last_line(file)
    finally:
        os.close(file)


def _sync_folder(path: Path) -> None:
    from senseid_crypto.fsync import sync_folder

    sync_folder(path.parent)


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
