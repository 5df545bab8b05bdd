"""Manifests: every row is read, and a bad one is told by that row alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from senseid.batch_errors import ManifestError
from senseid.tables.dialect import Wanted
from senseid.tables.manifest import Format, Manifest, Row, format_of, survey

PAIR = Wanted(("first", "second"), ("first", "second"), Path())


def manifest(data: bytes, form: Format = Format.CSV) -> Manifest:
    return Manifest("m", form, PAIR, lambda: io.BytesIO(data))


def read(data: bytes, form: Format = Format.CSV) -> list[Row]:
    return list(manifest(data, form).rows())


def test_csv_with_quotes_commas_and_line_breaks() -> None:
    rows = read(b'first,second\n"a, ""b"".jpg","c\nd.jpg"\n\ne f.jpg,g\n')
    assert rows == [
        Row(1, {"first": 'a, "b".jpg', "second": "c\nd.jpg"}),
        Row(2, {"first": "e f.jpg", "second": "g"}),
    ]


def test_csv_of_other_systems() -> None:
    assert read("\ufefffirst, second\r\nä.jpg,b.jpg\r\n".encode()) == [Row(1, {"first": "ä.jpg", "second": "b.jpg"})]


def test_a_file_name_that_is_not_utf8_is_kept_as_it_is() -> None:
    (row,) = read(b"first,second\n\xff.jpg,b\n")
    assert Path(row.fields["first"]) == Path("\udcff.jpg")


@pytest.mark.parametrize(
    ("line", "problem"),
    [(b"a\n", "has 1 fields instead of 2"), (b"a,b,c\n", "has 3 fields"), (b'a,"b"c\n', "not a row of CSV")],
)
def test_a_bad_row_of_csv_does_not_hide_the_next(line: bytes, problem: str) -> None:
    bad, good = read(b"first,second\n" + line + b"x,y\n")
    assert problem in bad.problem
    assert good == Row(2, {"first": "x", "second": "y"})


@pytest.mark.parametrize("line", [b"{", b"[1]", b"7", b'{"first": {"a": 1}, "second": "b"}'])
def test_a_bad_row_of_ndjson_does_not_hide_the_next(line: bytes) -> None:
    bad, good = read(line + b'\n\n{"first": "x", "n": 1.5, "t": true, "z": null}\n', Format.NDJSON)
    assert bad.problem
    assert good == Row(2, {"first": "x", "n": 1.5, "t": True, "z": None})


def test_parquet() -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"first": ["a", "b"], "n": [1, None]}), buffer)
    assert read(buffer.getvalue(), Format.PARQUET) == [
        Row(1, {"first": "a", "n": 1}),
        Row(2, {"first": "b", "n": None}),
    ]
    with pytest.raises(ManifestError, match="not a Parquet file"):
        read(b"PAR1 and no more", Format.PARQUET)


@pytest.mark.parametrize("data", [b"", b"first,first\n", b"first,\n"])
def test_a_header_that_names_nothing(data: bytes) -> None:
    with pytest.raises(ManifestError):
        read(data)


@pytest.mark.parametrize("form", [Format.NDJSON, Format.PARQUET])
def test_columns_of_another_case_in_other_formats(form: Format) -> None:
    if form == Format.PARQUET:
        pa = pytest.importorskip("pyarrow")
        buffer = io.BytesIO()
        pytest.importorskip("pyarrow.parquet").write_table(pa.table({"First": ["a"], "SECOND": ["b"]}), buffer)
        data = buffer.getvalue()
    else:
        data = '{"First": "a", "SECOND": "b"}\n'.encode("utf-16")
    assert read(data, form) == [Row(1, {"first": "a", "second": "b"})]


def test_a_survey_knows_the_columns_without_a_row() -> None:
    found = survey(manifest(b"first,second,note\n"))
    assert (found.rows, found.columns, found.header) == (0, ("first", "second", "note"), True)
    found = survey(manifest(b"a.jpg,b.jpg\n"))
    assert (found.rows, found.columns, found.header) == (1, ("first", "second"), False)


def test_the_survey_finds_every_column() -> None:
    found = survey(manifest(b'{"first":"a"}\n{"first":"b","note":1}\n', Format.NDJSON))
    assert (found.rows, found.columns) == (2, ("first", "note"))


@pytest.mark.parametrize(
    ("name", "head", "form"),
    [
        ("a.csv", b"{", Format.CSV),
        ("a.JSONL", b"first", Format.NDJSON),
        ("a.parquet", b"", Format.PARQUET),
        ("", b"first,second", Format.CSV),
        ("", b'\xef\xbb\xbf {"first"', Format.NDJSON),
        ("a", b"PAR1", Format.PARQUET),
        ("a.b/c", b"x", Format.CSV),
        ("", '{"first": 1}'.encode("utf-16"), Format.NDJSON),
        ("", '{"first": 1}'.encode("utf-16-be"), Format.NDJSON),
    ],
)
def test_the_format_is_told_by_the_suffix_or_the_content(name: str, head: bytes, form: Format) -> None:
    assert format_of(name, head) == form


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    gone = Manifest("gone.csv", Format.CSV, PAIR, lambda: (tmp_path / "gone.csv").open("rb"))
    with pytest.raises(ManifestError, match=r"gone\.csv cannot be read: no such file"):
        list(gone.rows())
    with pytest.raises(ManifestError, match="no such file"):
        gone.digest()


@pytest.mark.parametrize("line", [b'{"x": NaN}', b'{"x": 1e999}', b'{"x": -Infinity}', b"[" * 100_000])
def test_what_python_takes_for_json_and_others_do_not(line: bytes) -> None:
    bad, good = read(line + b'\n{"first": "x"}\n', Format.NDJSON)
    assert bad.problem.startswith("not an object of JSON (")
    assert good == Row(2, {"first": "x"})


@pytest.mark.parametrize("data", [b'"first"x,second\na,b\n', b'"first,second\na,b\n', b"x" * 200_000 + b"\na\n"])
def test_a_header_that_is_no_csv(data: bytes) -> None:
    with pytest.raises(ManifestError, match="header of m is not a row of CSV"):
        read(data)


@pytest.mark.parametrize("form", [Format.CSV, Format.NDJSON])
def test_what_is_no_text_is_not_read_into_memory(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "m"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ManifestError, match="m has a line of more than 4,194,304 characters"):
        list(Manifest("m", form, PAIR, lambda: path.open("rb")).rows())


def test_blank_lines_before_the_header() -> None:
    assert read(b"\n\nfirst\na\n") == [Row(1, {"first": "a"})]
    with pytest.raises(ManifestError, match="is empty"):
        read(b"\n\n")


def test_parquet_with_what_records_cannot_hold() -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"n": [float("nan"), float("inf"), 0.5]}), buffer)
    assert [row.fields["n"] for row in read(buffer.getvalue(), Format.PARQUET)] == [None, "inf", 0.5]
    buffer = io.BytesIO()
    parquet.write_table(pa.table({"t": pa.array([2**63 - 1], pa.timestamp("us"))}), buffer)
    with pytest.raises(ManifestError, match="a value that cannot be read"):
        read(buffer.getvalue(), Format.PARQUET)
