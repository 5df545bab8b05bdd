"""Verification of a decision log: is it what was written, and where does it first differ?"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from senseid.decision_log import lines_of, present_files_of, torn_by
from senseid.decision_record import Link, Record, RecordError, check_seal, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key import Key


_TRIES: Final = 4
"""How often a log is read at most in which a problem was found while others changed it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first place where a log is not what was written.

    Attributes:
        path: the file.
        line: the line in it, from 1 on.
        kind: `cut` for a last line that was not written to its end, which a crash does, too; else `changed`.
        text: what is wrong.
    """

    path: Path
    line: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of an audit.

    Attributes:
        records: records that verified, in the order of the files.
        first: the first of them; None if there is none.
        last: the last of them.
        problem: the first place that is broken; None if there is none.
        purged: the number of the last record that was purged; None if none was.
        torn: lines that a crash cut short, as later records say.
        sealed: records whose seal was checked.
        unchecked: records with a seal for which no key was given.
    """

    records: int = 0
    first: Link | None = None
    last: Link | None = None
    problem: Problem | None = None
    purged: int | None = None
    torn: int = 0
    sealed: int = 0
    unchecked: int = 0


def verify_logs(logs: Sequence[Path], *, key: Key | None = None, noted: Link | None = None) -> tuple[Verification, int]:
    """Verify logs with the full files beside them, while others may append, put full files aside and purge.

    Args:
        logs: the files that are appended to.
        key: see `verify_log`.
        noted: likewise.

    Returns:
        What they turned out to be, and in how many files.

    Raises:
        OSError: a file cannot be read.
    """
    for tries_left in reversed(range(_TRIES)):
        paths = list(dict.fromkeys(path for log in logs for path in present_files_of(log) or [log]))
        before = _facts(paths)
        try:
            found = verify_log(paths, key=key, noted=noted)
        except FileNotFoundError:
            if not tries_left:
                raise
            continue
        # A file that was put aside or purged after they were listed is missing, and that is no news.
        if found.problem is None or _facts(paths) == before:
            break
    return found, len(paths)


def _facts(paths: Sequence[Path]) -> list[tuple[int, int] | None]:
    """Signs that writers were there meanwhile."""
    statuses = [path.stat() if os.path.exists(path) else None for path in paths]
    return [None if status is None else (status.st_ino, status.st_size) for status in statuses]


def verify_log(paths: Sequence[Path], *, key: Key | None = None, noted: Link | None = None) -> Verification:
    """Verify the files of a log, up to the first place that is broken.

    Args:
        paths: its files, in order. Where the first does not begin with the first record of all, what came before it is
            not looked at.
        key: the key that must have sealed every record; None looks at no seal.
        noted: a record that was noted elsewhere, and must be there: a chain whose end was taken away still verifies,
            and one without seals may have been written anew.

    Raises:
        OSError: a file cannot be read.
    """
    reading = _Reading(key, noted)
    for path in paths:
        with path.open("rb") as file:
            for number, line, following in _lines(file):
                problem = reading.take(line, following, is_last=path == paths[-1])
                if problem is not None:
                    return replace(reading.found, problem=Problem(path, number, *problem))
    missing = reading.missing()
    if missing:
        return replace(reading.found, problem=Problem(paths[-1], 0, "changed", missing))
    return reading.found


class _Reading:
    """The state of the reading so far."""

    def __init__(self, key: Key | None, noted: Link | None) -> None:
        self.found = Verification()
        self._key = key
        self._noted = noted
        self._end: Link | None = None  # None: the first record may follow anything
        self._anchor: Record | None = None
        self._has_noted = noted is None

    def take(self, line: bytes, following: bytes, *, is_last: bool) -> tuple[str, str] | None:
        """Read one line; returns kind and text of what is wrong with it."""
        if b'"event":"torn"' in following and torn_by(following, line):
            self.found = replace(self.found, torn=self.found.torn + 1)
            return None
        if not line.endswith(b"\n") and not following and is_last:
            return "cut", (
                "the last record is not complete: its writer was cut short, or the end was taken away;"
                " the service was answering nobody with it"
            )
        try:
            record = read_record(line.rstrip(b"\n"))
            if self._key is not None:
                check_seal(record, self._key)
        except RecordError as error:
            return "changed", str(error)
        if record.is_anchor:
            self._anchor = record
        elif self._end is not None and not record.follows(self._end):
            return "changed", (
                f"record {record.link.number} does not follow record {self._end.number}: records are missing,"
                " were put in, or were exchanged"
            )
        self._count(record)
        return None

    def _count(self, record: Record) -> None:
        self._end = record.passed_on
        if self._noted in {record.link, record.passed_on}:
            self._has_noted = True
        if self._anchor is not None and record.facts.get("anchor") == self._anchor.link.hash:
            self._anchor = None
        found = self.found
        if record.is_anchor:
            self.found = replace(found, purged=record.link.number)
            return
        self.found = replace(
            found,
            records=found.records + 1,
            first=found.first or record.link,
            last=record.link,
            sealed=found.sealed + (self._key is not None),
            unchecked=found.unchecked + (self._key is None and record.key is not None),
        )

    def missing(self) -> str:
        """Return what ought to have been there and was not; empty if everything was."""
        if self._anchor is not None:
            return "records were purged, and no record says so: they were taken away by something else"
        if not self._has_noted and self._noted is not None:
            purged = self.found.purged
            if purged is not None and self._noted.number <= purged:
                return f"record {self._noted.number}, which was noted, was purged: note a later one"
            how = "the end was taken away, or all was rewritten"
            return f"record {self._noted.number} is not there as it was noted: {how}"
        return ""


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, line and the line after it; the end of a file has none."""
    number, line = 0, b""
    for following in lines_of(file):
        if number:
            yield number, line, following
        number, line = number + 1, following
    if number:
        yield number, line, b""
