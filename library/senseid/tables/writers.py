"""Records as CSV, NDJSON or Parquet, one at a time."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any, Protocol

from senseid.bodies import json_text
from senseid.tables.manifest import ROWS_AT_ONCE, Format, import_parquet
from senseid.tables.spreadsheet import safe_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

Record = dict[str, Any]


class Writer(Protocol):
    """Takes records in order."""

    def put(self, record: Mapping[str, Any]) -> None:
        """Write one."""

    def close(self) -> None:
        """Write what is left; the file below stays open."""


class CsvWriter:
    """CSV with a header, for spreadsheets; a field that is absent is empty, a value with parts is JSON."""

    def __init__(self, write: Callable[[str], object], columns: Sequence[str]) -> None:
        self._columns = columns
        self._writer = csv.writer(_Sink(write), lineterminator="\n")
        self._writer.writerow(map(safe_cell, columns))

    def put(self, record: Mapping[str, Any]) -> None:
        """Write one row."""
        self._writer.writerow([_cell(record.get(column)) for column in self._columns])

    def close(self) -> None:
        """Nothing is left to write."""


class NdjsonWriter:
    """One JSON object per line, ASCII; a field that is absent is left out."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def put(self, record: Mapping[str, Any]) -> None:
        """Write one object."""
        self._write(json_text(record) + "\n")

    def close(self) -> None:
        """Nothing is left to write."""


class ParquetWriter:
    """Parquet; what the manifest says and a value with parts are text, the latter as JSON."""

    def __init__(self, file: BinaryIO, columns: Sequence[str], result: Mapping[str, type]) -> None:
        """Write the header.

        Args:
            file: open for writing.
            columns: all columns, in order.
            result: the types of those that are not text.
        """
        parquet = import_parquet()
        import pyarrow

        types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
        self._text = {column for column in columns if column not in result}
        self._schema = pyarrow.schema([(c, types[result[c]] if c in result else pyarrow.string()) for c in columns])
        self._writer = parquet.ParquetWriter(_Open(file), self._schema)
        self._table = pyarrow.Table.from_pylist
        self._records: list[dict[str, Any]] = []

    def put(self, record: Mapping[str, Any]) -> None:
        """Keep one row until its group is full."""
        self._records.append({name: _unicode(_text(v)) if name in self._text else v for name, v in record.items()})
        if len(self._records) >= ROWS_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._records:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(self._table(self._records, schema=self._schema))
        self._records.clear()


def open_writer(form: Format, file: BinaryIO, columns: Sequence[str], result: Mapping[str, type]) -> Writer:
    """A writer to a file of bytes.

    Args:
        form: how.
        file: open for writing.
        columns: all columns, in order.
        result: the types of those that are not text.
    """
    if form == Format.PARQUET:
        return ParquetWriter(file, columns, result)

    def write(text: str) -> None:
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell and no encoding has
            data = text.encode("utf-8", "backslashreplace")
        file.write(data)

    return text_writer(form, write, columns)


def text_writer(form: Format, write: Callable[[str], object], columns: Sequence[str]) -> Writer:
    """A writer of CSV or NDJSON to a stream of text."""
    return CsvWriter(write, columns) if form == Format.CSV else NdjsonWriter(write)


class _Open:
    """A file for pyarrow, whose writer ends its file even when it is thrown away: then the file is closed already."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return len(data) if self._file.closed else self._file.write(data)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Its owner closes it."""


class _Sink:
    """A file as `csv.writer` needs it."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _text(value)
    return text and safe_cell(text)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # repr of a float and of an int are what JSON has; lists and objects have no other form.
    return json.dumps(value, separators=(",", ":"))


def _unicode(text: str | None) -> str | None:
    """Text that UTF-8 has: Parquet takes no other. Bytes of a file name that are none are shown as escapes."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
