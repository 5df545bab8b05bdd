from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_licensing.document import MAX_BYTES, MAX_DEPTH, canonical, parse_document, pretty
from senseid_licensing.errors import EmptyLicenceError, FormatError, LibraryError, Stid


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a":1,"a":2}', "'a' appears twice"),
        (b'{"a":{"b":1,"b":1}}', "'b' appears twice"),
        (b'{"a":1.0}', "1.0 is not a whole one"),
        (b'{"a":1e2}', "1e2 is not a whole one"),
        (b'{"a":NaN}', "NaN is not a whole one"),
        (b'{"a":-Infinity}', "-Infinity is not a whole one"),
        (b'{"a":9007199254740992}', "beyond 2^53"),
        (b'{"a":' + b"9" * 5000 + b"}", "beyond 2^53"),
        (b"[1]", "no JSON object"),
        (b"{", "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not JSON: an editor saved it as UTF-16"),
        (b"\xfe\xff\x00{\x00}", "not JSON: an editor saved it as UTF-16"),
        (b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}', "not JSON"),
        (b'{"a":"aGFsbG8=3D"', "not JSON: a mail program changed it (quoted-printable)"),
        (b'{"a":"aGFs=\r\nbG8"}', "not JSON: a mail program changed it (quoted-printable)"),
        (b"senseid-ed25519 5k+X+AR4jO7Z7u0O58SowIbCAzoUtyzHoHLUiiITRq4=\n", "is a public key"),
        (b"[" * 60_000, "not JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(FormatError, match="the file") as caught:
        parse_document(data)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.stid is Stid.INVALID_FILE_FORMAT


def test_the_size_limit_is_exact() -> None:
    body = b'{"a":"' + b"x" * (MAX_BYTES - 8) + b'"}'
    assert len(body) == MAX_BYTES
    assert parse_document(body)
    with pytest.raises(FormatError, match="64 KiB"):
        parse_document(body + b" ")


@pytest.mark.parametrize(("opened", "closed"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_depth_limit_is_exact(opened: bytes, closed: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + opened * (levels - 2) + b"[]" + closed * (levels - 2) + b"}"

    assert parse_document(nested(MAX_DEPTH))
    with pytest.raises(FormatError, match="more than 32 levels deep"):
        parse_document(nested(MAX_DEPTH + 1))


def test_a_byte_order_mark_changes_nothing() -> None:
    assert parse_document(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("data", [b"", b" \n", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_the_manuals_bad_license_minus_one(data: bytes) -> None:
    with pytest.raises(EmptyLicenceError) as caught:
        parse_document(data)
    assert caught.value.stid == -1


def test_indentation_and_order_do_not_change_the_signed_bytes() -> None:
    assert (
        canonical(parse_document(b'{ "b": 1,\n "a": [true, null, "\\u00e9"] }'))
        == '{"a":[true,null,"é"],"b":1}'.encode()
    )


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc8785", None)
    with pytest.raises(LibraryError, match="rfc8785 does not load") as caught:
        canonical({})
    assert caught.value.stid is Stid.LOAD_LIBRARY_FAILED


def test_a_lone_surrogate_has_no_canonical_form() -> None:
    with pytest.raises(FormatError, match="no canonical form"):
        canonical(parse_document(b'{"a":"\\ud800"}'))
    with pytest.raises(FormatError, match="no canonical form"):
        canonical(parse_document(b'{"\\ud800":1}'))
    with pytest.raises(FormatError, match="surrogates not allowed"):
        pretty(parse_document(b'{"a":"\\ud800"}'))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values))
def test_what_is_written_reads_back(value: dict[str, object]) -> None:
    assert parse_document(pretty(value)) == value
    assert parse_document(canonical(value)) == value
