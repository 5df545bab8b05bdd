"""Forms: fields out of bodies, and nothing else."""

from __future__ import annotations

import contextlib
from urllib.parse import quote_from_bytes, quote_plus, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid.errors import RequestError
from senseid_service.forms import MOST_FIELDS, boolean, parse_form, required
from senseid_service.inputs import repaired

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"


def multipart(*parts: tuple[str, bytes]) -> bytes:
    lines = [
        b"--b\r\nContent-Disposition: form-data; name=" + name.encode() + b"\r\n\r\n" + value + b"\r\n"
        for name, value in parts
    ]
    return b"".join(lines) + b"--b--\r\n"


def test_urlencoded() -> None:
    assert parse_form(URLENCODED, b"a=1&b=x%2By%2fz%3D&c=&d&&e=%C3%A9+%41") == {
        "a": b"1", "b": b"x+y/z=", "c": b"", "d": b"", "e": b"\xc3\xa9 A",
    }  # fmt: skip
    assert parse_form(URLENCODED, b"") == {}
    assert parse_form("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"a=%2525") == {"a": b"%25"}


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.binary(max_size=64), max_size=8))
def test_what_is_encoded_comes_back(form: dict[str, bytes]) -> None:
    body = "&".join(f"{quote_plus(name)}={quote_from_bytes(value, safe='')}" for name, value in form.items())
    assert parse_form(URLENCODED, body.encode()) == form


@given(st.lists(st.sampled_from([b"%", b"2", b"b", b"F", b"g", b"+", b"\xff"]), max_size=12).map(b"".join))
def test_what_is_no_escape_stays(value: bytes) -> None:
    assert parse_form(URLENCODED, b"a=" + value)["a"] == unquote_to_bytes(value.replace(b"+", b" "))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    for kind in (URLENCODED, MULTIPART):
        for data in (body, b"--b\r\n" + body, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + body):
            with contextlib.suppress(RequestError):
                parse_form(kind, data)


def test_multipart() -> None:
    parts = [("a", b"1"), ('"b c"', b"\r\n--x\r\n\0"), ("d; filename=e", b"+ %2B")]
    assert parse_form(MULTIPART, multipart(*parts)) == {"a": b"1", "b c": b"\r\n--x\r\n\0", "d": b"+ %2B"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (URLENCODED, b"a=1&b=2&a=1"),
        (URLENCODED, b"&".join(b"a%d=" % number for number in range(MOST_FIELDS + 1))),
        (URLENCODED, b"%ff=1"),
        (MULTIPART, multipart(("a", b"1"), ("a", b"2"))),
        (MULTIPART, multipart(*((f"a{number}", b"") for number in range(MOST_FIELDS + 1)))),
        (MULTIPART, multipart(("a", b"1"))[:-6]),
        (MULTIPART, multipart(("a", b"1")).replace(b"form-data; name=a", b"form-data")),
        (MULTIPART, b"--b\r\nX: " + bytes(100_000) + b"\r\n\r\n\r\n--b--\r\n"),
        (MULTIPART, b""),
        ("multipart/form-data", multipart(("a", b"1"))),
        ("multipart/form-data; boundary=" + "x" * 500, b""),
        ("multipart/mixed; boundary=b", multipart(("a", b"1"))),
        ("application/json", b"{}"),
        ("", b"a=1"),
    ],
)
def test_what_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(RequestError):
        parse_form(kind, body)


def test_booleans() -> None:
    assert boolean({"a": b"true"}, "a") is True
    assert boolean({"a": b"false"}, "a") is False
    assert boolean({}, "a") is False
    for value in (b"", b"True", b"1", b"true ", b"tr\0e"):
        with pytest.raises(RequestError, match=r"^a is neither true nor false$"):
            boolean({"a": value}, "a")


def test_required() -> None:
    assert required({"a": b"1"}, "a") == b"1"
    with pytest.raises(RequestError, match=r"^a is missing$"):
        required({}, "a")
    with pytest.raises(RequestError, match=r"^a is empty$"):
        required({"a": b""}, "a")


def test_repairs() -> None:
    assert repaired(b"  a b/c=\r\nd\n ") == b"a+b/c=d"
    assert repaired(b"abcd") == b"abcd"


def test_the_length_of_a_video() -> None:
    body = b"a=" + b"%2b%2F%3d" * 100_000 + b"A" * 22_000_000
    assert parse_form(URLENCODED, body)["a"] == b"+/=" * 100_000 + b"A" * 22_000_000


@pytest.mark.parametrize(("piece", "decoded"), [(b"%", b"%"), (b"%41", b"A"), (b"%41a", b"Aa")])
def test_many_escapes(piece: bytes, decoded: bytes) -> None:
    count = 1_000_000
    assert parse_form(URLENCODED, b"a=" + piece * count)["a"] == decoded * count
