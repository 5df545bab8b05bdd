"""The results of an earlier run, read again from the file that it wrote: CSV, NDJSON or Parquet."""

from __future__ import annotations

import csv
import json
import math
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

from senseid.batch_errors import ResultsError
from senseid.tables.dialect import LONGEST_LINE, Wanted, lines_of, text_of
from senseid.tables.manifest import Format, Manifest, format_of
from senseid_cli.batch.rows import TYPES
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

PARTS = ("faces", "scores", "face_rects")
"""Columns whose values are lists or objects: JSON inside a cell of CSV and Parquet."""
SCORES = ("verification_score", "best_score", "liveness_score")
_PHOTO = re.compile(r"(first|second|photo)(_\d+)?")
_ZIP = b"PK\x03\x04"


def read_results(path: Path) -> Iterator[dict[str, Any]]:
    """Read the records of a run, as they were before they were written; a field that is absent is left out.

    Raises:
        ResultsError: the file cannot be read, or holds no results of a batch.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {reason_of(error)}", remedy="check the path") from error
    if head.startswith(_ZIP):
        raise ResultsError(f"{path} is a spreadsheet or an archive", remedy="save it as CSV, or give what batch wrote")
    if not head:
        raise _nothing(path)
    form = format_of(path.name, head)
    number = 0
    with closing(_records(path, form)) as records:
        for number, record in enumerate(records, 1):
            if "code" not in record:
                raise ResultsError(
                    f"{path} holds no results of senseid batch: row {number} has no code",
                    remedy="give the file that --out wrote, not the manifest",
                )
            if problem := _problem(record):
                raise _damaged(path, number, problem)
            yield record
    if not number:
        raise _nothing(path)


def _nothing(path: Path) -> ResultsError:
    return ResultsError(f"{path} holds no results", remedy="give the file that senseid batch wrote with --out")


def _records(path: Path, form: Format) -> Generator[dict[str, Any]]:
    if form == Format.NDJSON:
        yield from _ndjson(path)
        return
    # Not that of the photos: no column of results is told by its order.
    wanted = Wanted(("code",), (), path.parent)
    limit = csv.field_size_limit(LONGEST_LINE)  # a cell holds the scores of each face with each other
    try:
        for row in Manifest(str(path), form, wanted, lambda: path.open("rb")).rows():
            if row.problem:
                raise _damaged(path, row.number, row.problem)
            fields = {name: value for name, value in row.fields.items() if value is not None and value != ""}
            try:
                yield {name: _value(name, value) for name, value in fields.items()}
            except ValueError as error:
                raise _damaged(path, row.number, str(error)) from None
    finally:
        csv.field_size_limit(limit)


def _ndjson(path: Path) -> Iterator[dict[str, Any]]:
    with text_of(path.open("rb")) as text:
        for number, line in enumerate(lines_of(text, str(path)), 1):
            if line.strip():
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    raise _damaged(path, number, "not an object of JSON") from None
                if not isinstance(record, dict):
                    raise _damaged(path, number, "not an object of JSON")
                yield record


def _value(name: str, value: object) -> object:
    """Return the value of a cell of text."""
    if not isinstance(value, str):
        return value
    if name in PARTS:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(f"{name} is not JSON") from None
    read = _READERS.get(TYPES.get(name, str))
    try:
        return value if read is None else read(value)
    except (ValueError, KeyError):
        raise ValueError(f"{name} is {value[:40]!r}") from None


_READERS: dict[type, Callable[[str], object]] = {
    int: int,
    float: float,
    bool: lambda text: {"true": True, "false": False}[text.lower()],
}


def _problem(record: dict[str, Any]) -> str:
    """Why a record is none that a run has written; empty where it may be one."""
    for name, value in record.items():
        wanted = TYPES.get(name)
        if wanted is float and not (isinstance(value, float | int) and -math.inf < value < math.inf):
            return f"{name} is no number"
        if wanted in {int, bool} and type(value) is not wanted:
            return f"{name} is {value!r:.40}"
        if name in SCORES and not 0 <= value <= 1:
            return f"{name} is {value!r:.40}"
        if (name == "video" or names_photo(name)) and (not isinstance(value, str) or "\0" in value):
            return f"{name} is not a path"
        if name in PARTS and not _has_boxes(name, value):
            return f"{name} is not what is found on a photo"
    return ""


def _has_boxes(name: str, value: Any) -> bool:
    """Whether the rectangles of faces can be read from a value."""
    if name == "scores":
        return True
    try:
        if name == "faces":
            boxes = [[face["rect"][side] for side in ("left", "top", "right", "bottom")] for face in value]
        else:
            boxes = [box for side in ("first", "second") for box in value[f"{side}_image_face_rects"]]
    except (KeyError, TypeError):
        return False
    return all(isinstance(box, list) and len(box) == 4 and all(type(edge) is int for edge in box) for box in boxes)


def _damaged(path: Path, number: int, problem: str) -> ResultsError:
    return ResultsError(
        f"row {number} of {path} is not as senseid batch writes it: {problem}",
        remedy="give the file that --out wrote, unchanged",
    )


def names_photo(column: str) -> bool:
    """Whether a column of results names a photo: `first`, and `first_2` for a further one of the same person."""
    return _PHOTO.fullmatch(column) is not None


def decided_by(threshold: float, record: dict[str, Any]) -> bool:
    """Whether the verdict of a record is that of this threshold; True where it has none."""
    score = record.get("verification_score", record.get("best_score"))
    return score is None or "match" not in record or record["match"] == (score >= threshold)
