"""Manifests: CSV, NDJSON or Parquet, a row per comparison or photo, read one row at a time.

What is wrong with one row is told by that row, and the rows after it are read all the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

from senseid.batch_errors import ManifestError
from senseid.tables.dialect import Header, Wanted, encoding_of, lines_of, read_csv, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Opener = Callable[[], BinaryIO]


class Format(StrEnum):
    """The file format of rows."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


SUFFIXES = {
    ".csv": Format.CSV,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
}
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a manifest.

    Attributes:
        number: its place, from 1; blank lines do not count.
        fields: what stands in its columns.
        problem: why it cannot be used; empty where it can.
    """

    number: int
    fields: dict[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Rows that can be read again and again.

    Attributes:
        name: what it is called in messages.
        format: how it is written.
        wanted: what it should hold, and what the paths in it are relative to.
        open: opens its bytes, from the beginning.
    """

    name: str
    format: Format
    wanted: Wanted
    open: Opener = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """The rows, in order.

        Raises:
            ManifestError: it is not of its format, or it cannot be read.
        """
        with self._opened() as file:
            for number, (fields, problem) in enumerate(self._read(file), 1):
                yield Row(number, fields, problem)

    def header(self) -> Header | None:
        """The beginning of a CSV; None for another format, whose rows name their fields.

        Raises:
            ManifestError: it is not of its format, or it cannot be read.
        """
        if self.format != Format.CSV:
            return None
        with self._opened() as file, text_of(file) as text:
            return read_csv(text, self.name, self.wanted)[0]

    def digest(self) -> str:
        """The SHA-256 of its bytes, hex.

        Raises:
            ManifestError: it cannot be read.
        """
        with self._opened() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # a real file, or BytesIO

    def _read(self, file: BinaryIO) -> Iterator[_Found]:
        if self.format == Format.PARQUET:
            yield from _parquet_rows(self, file)
        else:
            with text_of(file) as text:
                yield from (_csv_rows if self.format == Format.CSV else _ndjson_rows)(self, text)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            with self.open() as file:
                yield file
        except OSError as error:
            raise ManifestError(
                f"{self.name} cannot be read: {(error.strerror or str(error)).lower()}", remedy="check the file"
            ) from error


def of_names(folder: Path, names: Iterable[str], *, column: str) -> Manifest:
    """A manifest with one column: the files of a folder."""
    data = "".join(json.dumps({column: name}) + "\n" for name in names).encode()
    wanted = Wanted((column,), (), folder)
    return Manifest(str(folder), Format.NDJSON, wanted, lambda: io.BytesIO(data))


@dataclass(frozen=True, slots=True)
class Survey:
    """The content of a manifest, surveyed before the work starts.

    Attributes:
        rows: how many rows.
        columns: their columns, in the order in which they first appear.
        header: whether the columns are named; else they are told by their order.
    """

    rows: int
    columns: tuple[str, ...]
    header: bool


def survey(manifest: Manifest) -> Survey:
    """Read a manifest through.

    Raises:
        ManifestError: it cannot be read.
    """
    header = manifest.header()
    columns: dict[str, None] = dict.fromkeys(() if header is None else header.names)
    count = 0
    for row in manifest.rows():
        count += 1
        columns.update(dict.fromkeys(row.fields))
    return Survey(count, tuple(columns), header=header is None or header.written)


def format_of(name: str, head: bytes) -> Format:
    """The format by the suffix of a name, else by the first bytes: an object starts with a brace."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    text = head.decode(encoding_of(head), "replace")
    return Format.NDJSON if text.lstrip().startswith("{") else Format.CSV


_Found = tuple[dict[str, Any], str]


def _csv_rows(manifest: Manifest, text: io.TextIOWrapper) -> Iterator[_Found]:
    header, rows = read_csv(text, manifest.name, manifest.wanted)
    names = header.names
    while True:
        try:
            values = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield {}, f"not a row of CSV ({error})"
            continue
        if not values:
            continue
        if len(values) == len(names):
            yield dict(zip(names, values, strict=True)), ""
        else:
            yield dict(zip(names, values, strict=False)), f"has {len(values)} fields instead of {len(names)}"


def _ndjson_rows(manifest: Manifest, text: io.TextIOWrapper) -> Iterator[_Found]:
    for line in lines_of(text, manifest.name):
        if not line.strip():
            continue
        try:
            fields = json.loads(line, parse_float=_finite, parse_constant=_finite)
        except ValueError as error:
            yield {}, f"not an object of JSON ({error})"
            continue
        except RecursionError:
            yield {}, "not an object of JSON (nested too deep)"
            continue
        if not isinstance(fields, dict):
            yield {}, "not an object of JSON"
            continue
        fields = _named(fields, manifest)
        nested = [name for name, value in fields.items() if isinstance(value, dict | list)]
        yield (
            {name: value for name, value in fields.items() if name not in nested},
            (f"{nested[0]} is not a plain value" if nested else ""),
        )


def _named(fields: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    names = manifest.wanted.names(fields)
    return {names[name]: value for name, value in fields.items()}


def _finite(text: str) -> float:
    # Python takes NaN, Infinity and 1e999. JSON has none of them, so the records could not pass them on.
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def _parquet_rows(manifest: Manifest, file: BinaryIO) -> Iterator[_Found]:
    parquet = import_parquet()
    import pyarrow

    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=ROWS_AT_ONCE):
            for fields in batch.to_pylist():
                yield {name: _plain(value) for name, value in _named(fields, manifest).items()}, ""
    except pyarrow.ArrowException as error:
        raise ManifestError(f"{manifest.name} is not a Parquet file", remedy="check what wrote it") from error
    except (OverflowError, ValueError) as error:
        raise ManifestError(
            f"{manifest.name} holds a value that cannot be read, such as a time after the year 9999",
            remedy="write the column as text, or leave it out",
        ) from error


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)  # NaN is how data frames say that there is nothing
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def import_parquet() -> Any:
    """The library that reads and writes Parquet.

    Raises:
        ManifestError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise ManifestError(
            "Parquet needs pyarrow", remedy="install the extra `parquet` of senseid, or use CSV or NDJSON"
        ) from None
    return pyarrow.parquet
