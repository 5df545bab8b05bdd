"""The three formats hold the same records."""

from __future__ import annotations

import csv
import gc
import io
import json
from typing import Any

import pytest

from senseid.tables.manifest import Format
from senseid.tables.writers import open_writer
from senseid_cli.batch.rows import TYPES

COLUMNS = ("row", "first", "note", "code", "verification_score", "match", "scores", "problem")
RECORDS: list[dict[str, Any]] = [
    {
        "row": 1,
        "first": 'a, "b"\n\udcff.jpg',
        "note": 7,
        "code": 1000,
        "verification_score": 0.1 + 0.2,
        "match": False,
        "scores": [[0.5]],
    },
    {"row": 2, "first": "ä", "note": None, "code": 4000, "problem": "no face"},
]


def written(form: Format, records: list[dict[str, Any]] = RECORDS) -> bytes:
    buffer = io.BytesIO()
    writer = open_writer(form, buffer, COLUMNS, TYPES)
    for record in records:
        writer.put(record)
    writer.close()
    return buffer.getvalue()


def test_csv() -> None:
    text = written(Format.CSV).decode("utf-8", "surrogateescape")
    header, first, second = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == list(COLUMNS)
    assert first == ["1", 'a, "b"\\n\udcff.jpg', "7", "1000", repr(0.1 + 0.2), "false", "[[0.5]]", ""]
    assert second == ["2", "ä", "", "4000", "", "", "", "no face"]


def test_csv_holds_no_formula() -> None:
    buffer = io.BytesIO()
    writer = open_writer(Format.CSV, buffer, ("row", "first", "=SUM(A1)", "scores"), TYPES)
    writer.put({"row": 1, "first": "@a\t=1.jpg", "=SUM(A1)": "-2", "scores": ["b;+c"]})
    writer.close()
    assert buffer.getvalue().decode().splitlines() == [
        "row,first,'=SUM(A1),scores",
        """1,'@a\\t=1.jpg,-2,"[""b;'+c""]\"""",
    ]


def test_ndjson() -> None:
    assert [json.loads(line) for line in written(Format.NDJSON).splitlines()] == RECORDS


def test_parquet() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [{**record, "first": "a"} for record in RECORDS]
    table = parquet.read_table(io.BytesIO(written(Format.PARQUET, records)))
    assert table.column_names == list(COLUMNS)
    assert table.column("verification_score").to_pylist() == [0.1 + 0.2, None]
    assert table.column("match").to_pylist() == [False, None]
    assert table.column("note").to_pylist() == ["7", None]
    assert table.column("scores").to_pylist() == ["[[0.5]]", None]


def test_text_that_no_encoding_has() -> None:
    pytest.importorskip("pyarrow")
    records = [{"row": 1, "first": "\udcff.jpg", "note": "\ud800", "code": 1000}]
    assert b"\\ud800" in written(Format.CSV, records)
    assert [json.loads(line) for line in written(Format.NDJSON, records).splitlines()] == records
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(written(Format.PARQUET, records)))
    assert table.column("first").to_pylist() == ["\\udcff.jpg"]
    assert table.column("note").to_pylist() == ["\\ud800"]


def test_a_parquet_file_that_is_given_up_is_quiet() -> None:
    pytest.importorskip("pyarrow")
    with io.BytesIO() as buffer:
        writer = open_writer(Format.PARQUET, buffer, COLUMNS, TYPES)
        for number in range(5000):
            writer.put({"row": number, "code": 1000})
    del writer
    gc.collect()  # what it raised now would fail this test, and be a traceback for a user
