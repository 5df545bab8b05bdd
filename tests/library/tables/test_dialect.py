"""CSV as spreadsheets and scripts write it: read, or refused with what was found."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from senseid.batch_errors import ManifestError
from senseid.tables.dialect import Header, Wanted, encoding_of, read_csv, text_of

PAIR = Wanted(("first", "second"), ("first", "second"), Path())
PHOTO = Wanted(("photo",), ("photo",), Path())
VERIFY = Wanted(("photo", "video"), (), Path())
NAMED = Header(("first", "second"), written=True)
TOLD = Header(("first", "second"), written=False)


def read(data: bytes, wanted: Wanted = PAIR) -> tuple[Header, list[list[str]]]:
    header, rows = read_csv(text_of(io.BytesIO(data)), "m", wanted)
    return header, list(rows)


@pytest.mark.parametrize(
    "text",
    [
        "first,second\na.jpg,b.jpg\n",
        "first;second\r\na.jpg;b.jpg\r\n",
        "first\tsecond\na.jpg\tb.jpg\n",
        "first|second\na.jpg|b.jpg\n",
        "sep=;\r\nfirst;second\r\na.jpg;b.jpg\r\n",
        "SEP=\t\r\n\r\nfirst\tsecond\r\na.jpg\tb.jpg\r\n",
        '"sep=:"\nfirst:second\na.jpg:b.jpg\n',
        "\n\nFirst, SECOND\na.jpg,b.jpg\n",
        "first,second\ra.jpg,b.jpg\r",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_others_write_is_read(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == (NAMED, [["a.jpg", "b.jpg"]])


@pytest.mark.parametrize("delimiter", ",;\t|")
def test_two_files_without_a_header_are_a_pair(delimiter: str) -> None:
    data = f"a.jpg{delimiter}b.jpeg\nc.png{delimiter}d.b64\n".encode()
    assert read(data) == (TOLD, [["a.jpg", "b.jpeg"], ["c.png", "d.b64"]])


def test_files_without_a_suffix_are_known_by_being_there(tmp_path: Path) -> None:
    wanted = Wanted(("first", "second"), ("first", "second"), tmp_path)
    assert read(b"0001,0002\n", wanted)[0].names == ("0001", "0002")
    for name in ("0001", "0002"):
        (tmp_path / name).touch()
    assert read(b"0001,0002\n", wanted) == (TOLD, [["0001", "0002"]])


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"left,right\na.jpg,b.jpg\n", ("left", "right")),
        (b"a.jpg,b.jpg,1\n", ("a.jpg", "b.jpg", "1")),
        (b"a.jpg\n", ("a.jpg",)),
        (b"first\0,b.jpg\n", ("first\0", "b.jpg")),
    ],
)
def test_anything_else_is_a_header_and_says_what_it_names(data: bytes, names: tuple[str, ...]) -> None:
    assert read(data)[0] == Header(names, written=True)


def test_a_photo_and_a_video_are_not_told_apart_by_their_order() -> None:
    assert read(b"a.jpg,b.mp4\n", VERIFY)[0] == Header(("a.jpg", "b.mp4"), written=True)


def test_one_column_without_a_header() -> None:
    assert read(b"a; b.jpg\nc.jpg\n", PHOTO) == (Header(("photo",), written=False), [["a; b.jpg"], ["c.jpg"]])


def test_a_name_of_the_right_case_wins() -> None:
    assert read(b"FIRST,first,second\n")[0].names == ("FIRST", "first", "second")
    with pytest.raises(ManifestError, match="two of one name"):
        read(b"First,FIRST,second,First\n")


@pytest.mark.parametrize("data", [b"", b"sep=;\n", b"\xff\xfe"])
def test_what_holds_nothing(data: bytes) -> None:
    with pytest.raises(ManifestError, match="m is empty"):
        read(data)


@pytest.mark.parametrize("data", [b'"a"b,c\n', b'first,"second\na,b\n'])
def test_a_header_that_is_none(data: bytes) -> None:
    with pytest.raises(ManifestError, match="header of m is not a row of CSV"):
        read(data)


def test_the_encoding_of_a_text_without_a_mark() -> None:
    assert encoding_of(b"\xef\xbb\xbfa") == "utf-8-sig"
    assert encoding_of(b"a") == "utf-8-sig"
    assert encoding_of(b"\0\0") == "utf-8-sig"
