"""The strict JSON that licences, revocation lists and key files are written in, and its canonical bytes.

Whatever two readers could understand differently is refused: duplicate keys, fractions, NaN, integers beyond 2^53,
anything that is not UTF-8. The signed bytes are the RFC 8785 form of the value, so that indentation, key order and the
byte order mark that some editors put in front of a file do not matter.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, NoReturn

from senseid_licensing.errors import EmptyLicenceError, FormatError, library_error
from senseid_licensing.public_key import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None

MAX_BYTES = 64 * 1024
# Signed content has five levels; the rest is for fields of later releases. Python's stack allows more.
MAX_DEPTH = 32
_MAX_INTEGER = 2**53 - 1
_ANOTHER = "give the right file, as your vendor sent it"
_ASK_AGAIN = "ask your vendor for the file again, and copy it in binary mode"
# Asked first: the Base64 of a public key ends in an equals sign and a line break, too.
_PUBLIC_KEY = f"{LABEL} ".encode()
# An equals sign and a line break of a long line in quoted-printable.
_MAILED = re.compile(rb"=(?:3D|\r?\n)")


def parse_document(data: bytes) -> dict[str, Json]:
    """Read one JSON object from the bytes of a file.

    Raises:
        EmptyLicenceError: there are no bytes, or only blanks.
        FormatError: more than 64 KiB, more than 32 levels, or anything but one strict JSON object.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"the file is larger than {MAX_BYTES // 1024} KiB", remedy=_ANOTHER)
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise EmptyLicenceError("the file is empty", remedy=_ASK_AGAIN)
    try:
        value: Json = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=_fraction,
        )
    # A few kilobytes of brackets exhaust the parser's stack.
    except (ValueError, RecursionError) as error:
        if data.startswith(_PUBLIC_KEY):
            raise FormatError("the file is a public key", remedy=_ANOTHER) from None
        if _MAILED.search(data):
            raise FormatError(
                "the file is not JSON: a mail program changed it (quoted-printable)",
                remedy="save the attachment, not the text of the mail, or ask your vendor to send it as a .zip",
            ) from None
        raise FormatError(f"the file is not JSON: {_damage(data) or _one_line(error)}", remedy=_ASK_AGAIN) from None
    if not isinstance(value, dict):
        raise FormatError("the file holds no JSON object", remedy=_ASK_AGAIN)
    _check_depth(value)
    return value


def canonical(value: Json) -> bytes:
    """The RFC 8785 bytes of a value, which are signed and hashed.

    Raises:
        FormatError: it has lone surrogates.
        LibraryError: the library that makes them does not load.
    """
    try:
        import rfc8785
    except ImportError as error:
        raise library_error(error, "rfc8785") from error

    try:
        return rfc8785.dumps(value)
    except ValueError as error:
        raise FormatError(f"the file has no canonical form: {_one_line(error)}", remedy=_ASK_AGAIN) from None


def pretty(value: Json) -> bytes:
    """The bytes of a value for a file: indented, keys sorted, a newline at the end.

    Raises `FormatError` for lone surrogates.
    """
    try:
        return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError as error:
        raise FormatError(f"the file cannot be written as UTF-8: {error.reason}", remedy=_ASK_AGAIN) from None


def _damage(data: bytes) -> str:
    """The kind of damage to the file in transit, if recognisable."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "an editor saved it as UTF-16"
    return ""


def _check_depth(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for item in level for inner in _inside(item)]
    if level:
        raise FormatError(f"the file is nested more than {MAX_DEPTH} levels deep", remedy=_ASK_AGAIN)


def _inside(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key[:40]!r} appears twice")
        result[key] = value
    return result


def _integer(text: str) -> int:
    number = int(text) if len(text) < 20 else _MAX_INTEGER + 1
    if abs(number) > _MAX_INTEGER:
        raise ValueError("a whole number is beyond 2^53")
    return number


def _fraction(text: str) -> NoReturn:
    raise ValueError(f"the number {text[:20]} is not a whole one")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160]
