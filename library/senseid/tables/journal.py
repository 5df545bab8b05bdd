"""The output of a run while it lasts: a hidden file beside the output, that a killed run leaves and `--resume` reads.

    {"senseid batch": 1, "run": "<what the output depends on>"}
    {"row": 1, ...}
    {"row": 2, ...}
    = 2

A line that begins with `=` says how many units, rows of the manifest or photos of a folder, have all their records
above it. What stands below the last such line was being written when the run ended; it is cut off.

A run locks its journal for as long as it lasts, however it ends: one that is locked is no interrupted run.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from senseid.batch_errors import ResumeError
from senseid.bodies import json_text
from senseid.errors import OutputError
from senseid.file_lock import lock
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import RawIOBase
    from pathlib import Path

VERSION = 1
UNITS_AT_ONCE = 256
SECONDS_AT_ONCE = 0.5
MARK = b"= "


def partial_of(out: Path) -> Path:
    """The hidden file beside an output."""
    return out.with_name(f".{out.name}.senseid-partial")


def fingerprint(facts: Mapping[str, object]) -> str:
    """One word for everything that the output of a run depends on: the SHA-256 of the facts as JSON, hex."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Journal:
    """Records, in order, on a file that is whole up to its last mark whenever the run ends.

    Nothing is written when an error ends the run: writing may be what was interrupted, and records must not be there
    twice. What the last half second gave is worked out again.
    """

    def __init__(self, path: Path, file: RawIOBase, done: int, clock: Callable[[], float]) -> None:
        """Called by `begin` and `resume`.

        Args:
            path: where it is.
            file: the file, locked, unbuffered, at its end.
            done: units that have all their records in it.
            clock: seconds, from any beginning, that never go back.
        """
        self.path = path
        self._file = file
        self._clock = clock
        self._units: list[bytes] = []
        self._marked = done
        self._last = clock()

    @property
    def done(self) -> int:
        """Units that it has all records of, some of them not on the file yet."""
        return self._marked + len(self._units)

    @classmethod
    def begin(cls, out: Path, run: str, clock: Callable[[], float]) -> Journal:
        """A new one, in the place of that of an interrupted run.

        Args:
            out: the output that it is for.
            run: the fingerprint of the run.
            clock: see `Journal`.

        Raises:
            ResumeError: another run is writing that output.
            OutputError: it cannot be written.
        """
        path = partial_of(out)
        with ExitStack() as stack:
            if os.path.lexists(path):
                stack.enter_context(_locked(out, "r+b"))  # until the new one is locked
                path.unlink(missing_ok=True)
            file = _locked(out, "xb")
        journal = cls(path, file, 0, clock)
        try:
            _write(path, file, json.dumps({"senseid batch": VERSION, "run": run}).encode() + b"\n")
        except OutputError:
            journal.remove()  # nothing was begun, and nothing can go on
            raise
        return journal

    @classmethod
    def resume(cls, out: Path, run: str, clock: Callable[[], float]) -> Journal:
        """The one of an interrupted run.

        Args:
            out: the output that it is for.
            run: the fingerprint of the run that goes on.
            clock: see `Journal`.

        Raises:
            ResumeError: it belongs to another run, or one that still writes it, or it is not a journal.
            OutputError: it cannot be written.
        """
        path, file = partial_of(out), _locked(out, "r+b")
        with path.open("rb") as lines:
            if not _is_of(lines.readline(), run):
                file.close()
                raise ResumeError(
                    f"{path} belongs to a run with another manifest or folder, other settings or another version",
                    remedy="give that run's, or begin anew: --force",
                )
            done, end = 0, lines.tell()
            at = end
            for line in lines:
                at += len(line)
                if line.startswith(MARK) and line.endswith(b"\n"):
                    number = line.removeprefix(MARK).strip()
                    if not number.isdigit():
                        file.close()
                        raise _changed(path)
                    done, end = int(number), at
        file.truncate(end)
        file.seek(end)
        return cls(path, file, done, clock)

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take all records of a unit; they are written now or, within half a second, with those of the next units.

        Raises:
            OutputError: they cannot be written.
        """
        lines = (json_text(record) + "\n" for record in records)
        self._units.append("".join(lines).encode())
        if len(self._units) >= UNITS_AT_ONCE or self._clock() - self._last >= SECONDS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what there is.

        Raises:
            OutputError: it cannot be written.
        """
        if self._units:
            units, self._marked, self._units = self._units, self.done, []
            _write(self.path, self._file, b"".join(units) + MARK + b"%d\n" % self._marked)
        self._last = self._clock()

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of all whole units, from the file.

        Raises:
            ResumeError: it was changed.
        """
        with self.path.open("rb") as file:
            file.readline()
            for line in file:
                if not line.startswith(MARK):
                    try:
                        yield json.loads(line)
                    except ValueError:
                        raise _changed(self.path) from None

    def close(self) -> None:
        """Close the file, and leave it for `resume`."""
        self._file.close()

    def remove(self) -> None:
        """Take the file away: the output is there. It is locked until then, so that it is never taken for another's."""
        self.path.unlink(missing_ok=True)
        self.close()


def check_idle(out: Path) -> None:
    """Return if no run is writing an output now.

    Raises:
        ResumeError: one is.
        OutputError: the journal of one that was interrupted cannot be used.
    """
    _locked(out, "r+b").close()


def _changed(path: Path) -> ResumeError:
    return ResumeError(f"{path} was changed since its run was interrupted", remedy="begin anew: --force")


def _is_of(header: bytes, run: str) -> bool:
    try:
        facts = json.loads(header)
        return bool(facts["run"] == run and facts["senseid batch"] == VERSION)
    except (ValueError, KeyError, TypeError):
        return False


def _locked(out: Path, mode: str) -> RawIOBase:
    """The journal of an output, opened and locked until it is closed, or the process ends in any way."""
    path = partial_of(out)

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    try:
        if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")  # noqa: TRY301  told as what the system says
        file: RawIOBase = open(path, mode, buffering=0, opener=private)  # type: ignore[assignment]  # noqa: SIM115
    except OSError as error:
        if isinstance(error, FileExistsError | FileNotFoundError) and os.path.isdir(path.parent):
            raise _busy(out) from None  # another run has begun or ended in this moment
        raise _failure(path, error) from error
    if not _is_mine(file, path):
        holder = _holder(file)
        file.close()
        raise _busy(out, holder)
    return file


def _is_mine(file: RawIOBase, path: Path) -> bool:
    """Lock a file, and tell whether no other run has it, or has put another one in its place meanwhile."""
    with suppress(OSError):  # a disk without locks
        if not lock(file.fileno(), wait=False):
            return False
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _holder(file: RawIOBase) -> str:
    """The process that has locked a file, where the system tells."""
    try:
        inode = os.fstat(file.fileno()).st_ino
        with open("/proc/locks", encoding="ascii") as table:  # noqa: PTH123
            locks = [line.split() for line in table]
    except OSError:
        return ""
    return next((f" (process {lock[4]})" for lock in locks if lock[1] == "FLOCK" and lock[5].endswith(f":{inode}")), "")


def _busy(out: Path, holder: str = "") -> ResumeError:
    return ResumeError(f"another run is writing {out}{holder}", remedy="wait for it, end it, or choose another --out")


def _write(path: Path, file: RawIOBase, data: bytes) -> None:
    try:
        while data:
            data = data[file.write(data) or 0 :]
    except OSError as error:
        raise _failure(path, error) from error


def _failure(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written: {reason_of(error)}",
        remedy="check the folder's permissions and the space on its disk; then go on with --resume",
    )
