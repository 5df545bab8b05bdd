"""Manifests: CSV, NDJSON or Parquet, a row a comparison or a photo, read one row at a time.

What is wrong with one row is told by that row, and the rows after it are read all the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO

from senseid_cli.batch.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    Opener = Callable[[], BinaryIO]


class Format(StrEnum):
    """How rows are written down."""

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
BYTES_AT_ONCE = 1 << 20


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
        folder: what the paths in it are relative to.
        open: opens its bytes, from the beginning.
    """

    name: str
    format: Format
    folder: Path
    open: Opener = field(repr=False)

    def rows(self) -> Iterator[Row]:
        """The rows, in order.

        Raises:
            ManifestError: it is not of its format, or it cannot be read.
        """
        read = {Format.CSV: _csv_rows, Format.NDJSON: _ndjson_rows, Format.PARQUET: _parquet_rows}[self.format]
        try:
            with self.open() as file:
                for number, (fields, problem) in enumerate(read(self, file), 1):
                    yield Row(number, fields, problem)
        except OSError as error:
            raise ManifestError(
                f"{self.name} cannot be read: {(error.strerror or str(error)).lower()}", remedy="check the file"
            ) from error

    def digest(self) -> str:
        """The SHA-256 of its bytes, hex.

        Raises:
            ManifestError: it cannot be read.
        """
        try:
            with self.open() as file:
                digest = hashlib.sha256()
                while piece := file.read(BYTES_AT_ONCE):
                    digest.update(piece)
                return digest.hexdigest()
        except OSError as error:
            raise ManifestError(
                f"{self.name} cannot be read: {(error.strerror or 'unknown reason').lower()}", remedy="check the path"
            ) from error


def of_names(folder: Path, names: Iterable[str], *, column: str) -> Manifest:
    """A manifest with one column: the files of a folder."""
    data = "".join(json.dumps({column: name}) + "\n" for name in names).encode()
    return Manifest(str(folder), Format.NDJSON, folder, lambda: io.BytesIO(data))


@dataclass(frozen=True, slots=True)
class Survey:
    """What a manifest holds, seen before the work starts.

    Attributes:
        rows: how many rows.
        columns: their columns, in the order in which they first appear.
    """

    rows: int
    columns: tuple[str, ...]


def survey(manifest: Manifest) -> Survey:
    """Read a manifest through.

    Raises:
        ManifestError: it cannot be read.
    """
    columns: dict[str, None] = {}
    count = 0
    for row in manifest.rows():
        count += 1
        columns.update(dict.fromkeys(row.fields))
    return Survey(count, tuple(columns))


def format_of(name: str, head: bytes) -> Format:
    """The format by the suffix of a name, else by the first bytes: an object starts with a brace."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if head.startswith(b"PAR1"):
        return Format.PARQUET
    return Format.NDJSON if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else Format.CSV


_Found = tuple[dict[str, Any], str]


def _text(file: BinaryIO) -> io.TextIOWrapper:
    # A file name may hold any byte; one that is not UTF-8 comes out of here, and goes back to the system, as it was.
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_rows(manifest: Manifest, file: BinaryIO) -> Iterator[_Found]:
    rows = csv.reader(_text(file), strict=True)
    try:
        header = next((row for row in rows if row), None)
    except csv.Error as error:
        raise ManifestError(
            f"the header of {manifest.name} is not a row of CSV ({error})",
            remedy="its first line names the columns, such as first,second",
        ) from None
    if header is None:
        raise ManifestError(
            f"{manifest.name} is empty", remedy="its first line names the columns, such as first,second"
        )
    names = [name.strip() for name in header]
    if len(set(names)) < len(names) or "" in names:
        raise ManifestError(
            f"the header of {manifest.name} has a column without a name, or two of one name",
            remedy="give each column a name of its own",
        )
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


def _ndjson_rows(manifest: Manifest, file: BinaryIO) -> Iterator[_Found]:  # noqa: ARG001  like its brothers
    for line in _text(file):
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
        nested = [name for name, value in fields.items() if isinstance(value, dict | list)]
        yield (
            {name: value for name, value in fields.items() if name not in nested},
            (f"{nested[0]} is not a plain value" if nested else ""),
        )


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
                yield {name: _plain(value) for name, value in fields.items()}, ""
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
