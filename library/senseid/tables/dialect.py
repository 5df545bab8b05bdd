"""The dialect of a text manifest: its encoding, and of a CSV its delimiter and its columns.

Spreadsheets write what their language and their menu say: semicolons or tabs, a line `sep=;` before the header, UTF-16.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from senseid.batch_errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

DELIMITERS = ",;\t|"
"""Delimiters, the most usual first. A line `sep=` before the header may name something else."""

LONGEST_LINE = 1 << 22
"""Characters of a line: more than any row has, and few enough to be read at once."""

_MARKS = (
    # That of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_REMEDY = "its first line names the columns, such as first,second"


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a CSV.

    Attributes:
        names: of its columns.
        written: whether they stand in its first line; else that is a row, and the columns are told by their order.
    """

    names: tuple[str, ...]
    written: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that a manifest should have.

    Attributes:
        columns: that mean something here, under whatever case.
        in_order: what the columns of a CSV without a header are; empty where that cannot be told.
        folder: what paths in it are relative to.
    """

    columns: tuple[str, ...]
    in_order: tuple[str, ...]
    folder: Path

    def names(self, found: Iterable[str]) -> dict[str, str]:
        """The names of the columns as they are used here: `First` is `first`, unless there is a `first`."""
        found = tuple(found)
        others = {name.strip().casefold(): name for name in reversed(found)}
        missing = {column: others.get(column) for column in self.columns if column not in found}
        return {name: name for name in found} | {name: column for column, name in missing.items() if name is not None}

    def known(self, found: Iterable[str]) -> int:
        """The number of columns that are used here."""
        return len(set(self.names(found).values()) & set(self.columns))

    def are_rows(self, cells: Sequence[str]) -> bool:
        """Whether that is a row, and no header: a file for each column that can be told by its order."""
        return len(cells) == len(self.in_order) > 0 and all(map(self._may_be_file, cells))

    def _may_be_file(self, cell: str) -> bool:
        try:
            return bool(_SUFFIX.search(cell)) or (cell != "" and (self.folder / cell).is_file())
        except (OSError, ValueError):  # no name that a file can have
            return False


def text_of(file: BinaryIO) -> io.TextIOWrapper:
    """A file of bytes, at its beginning, as text without its byte order mark; line ends as they are. Closes it."""
    head = file.read(4)
    file.seek(0)
    encoding = encoding_of(head)
    # A file name may hold any byte; one that is not UTF-8 comes out of here, and goes back to the system, as it was.
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes; without a mark, a NUL beside an ASCII character tells UTF-16."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if len(head) >= 2 and (head[0] == 0) is not (head[1] == 0):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    return "utf-8-sig"


def read_csv(text: io.TextIOWrapper, name: str, wanted: Wanted) -> tuple[Header, Iterator[list[str]]]:
    """Return the beginning of a CSV, and its rows, which raise `csv.Error` where they are none.

    Args:
        text: at its beginning.
        name: what messages call it.
        wanted: what it should hold.

    Raises:
        ManifestError: it has no header and needs one, or one that names nothing; or no lines.
    """
    lines = lines_of(text, name)
    line = _first_line(lines)
    separator = _SEPARATOR_LINE.fullmatch(line.strip("\r\n"))
    if separator:
        delimiter = separator[1]
        line = _first_line(lines)
    else:
        delimiter = _delimiter(line, wanted)
    if not line:
        raise ManifestError(f"{name} is empty", remedy=_REMEDY)
    try:
        rows = csv.reader(chain([line], lines), delimiter=delimiter, strict=True)
        header = next(rows)
    except (csv.Error, ValueError) as error:  # the latter: a delimiter that is none, such as a quote
        raise ManifestError(f"the header of {name} is not a row of CSV ({error})", remedy=_REMEDY) from None
    names = [cell.strip() for cell in header]
    if not wanted.known(names) and wanted.are_rows(names):
        return Header(wanted.in_order, written=False), chain([header], rows)
    names = list(map(wanted.names(names).get, names, names))
    if len(set(names)) < len(names) or "" in names:
        raise ManifestError(
            f"the header of {name} has a column without a name, or two of one name",
            remedy="give each column a name of its own",
        )
    return Header(tuple(names), written=True), rows


def lines_of(text: io.TextIOWrapper, name: str) -> Iterator[str]:
    """The lines of a text, which `name` is called in messages. Raises `ManifestError` where one is no line of rows."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise ManifestError(
                f"{name} has a line of more than {LONGEST_LINE:,} characters",
                remedy="give a text with a row on each line",
            )
        yield line


def _first_line(lines: Iterator[str]) -> str:
    """The next line that is not blank; empty at the end."""
    return next((line for line in lines if line.strip("\r\n")), "")


def _delimiter(line: str, wanted: Wanted) -> str:
    """The delimiter that makes known columns of the first line, else a row without a header; else a comma."""

    def worth(delimiter: str) -> tuple[int, bool]:
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True), [])]
        except csv.Error:
            return 0, False
        return wanted.known(cells), wanted.are_rows(cells)

    return max(DELIMITERS, key=worth)
