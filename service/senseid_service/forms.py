"""Form fields of a body: urlencoded or multipart, each field once, nothing interpreted as a path or an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from senseid.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS: Final = 64
"""Maximum number of fields or parts of a form; the longest of the manual has seven."""


def parse_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Read a form.

    Args:
        content_type: the request's header.
        body: the whole body.

    Returns:
        The value of each field, decoded from the form but otherwise unchanged.

    Raises:
        RequestError: another type, a broken form, a repeated field, or more than `MOST_FIELDS`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    raise RequestError("the body is neither application/x-www-form-urlencoded nor multipart/form-data")


def boolean(form: Mapping[str, bytes], name: str) -> bool:
    """A boolean field; False where it is absent.

    Raises:
        RequestError: it is neither `true` nor `false`.
    """
    value = form.get(name, b"false")
    if value not in {b"true", b"false"}:
        raise RequestError(f"{name} is neither true nor false")
    return value == b"true"


def required(form: Mapping[str, bytes], name: str) -> bytes:
    """A field that must be there and not empty.

    Raises:
        RequestError: it is not.
    """
    value = form.get(name)
    if not value:
        raise RequestError(f"{name} is missing" if value is None else f"{name} is empty")
    return value


def _urlencoded(body: bytes) -> dict[str, bytes]:
    parts = body.split(b"&", MOST_FIELDS)
    if len(parts) > MOST_FIELDS:
        raise RequestError(f"the form has more than {MOST_FIELDS} fields")
    form: dict[str, bytes] = {}
    for part in parts:
        if part:
            name, _, value = part.partition(b"=")
            _add(form, _unquote(name), _unquote(value))
    return form


def _unquote(value: bytes) -> bytes:
    """Decode all at once: one escape after another, a body of nothing but `%` would keep a handler for a minute."""
    value = value.replace(b"+", b" ")
    if b"%" not in value[:-2]:
        return value
    import numpy as np

    digits = np.full(256, 16, np.uint8)
    for digit in b"0123456789ABCDEFabcdef":
        digits[digit] = int(chr(digit), 16)
    text = np.frombuffer(bytearray(value), np.uint8)
    at = np.flatnonzero((text[:-2] == ord("%")) & (digits[text[1:-1]] < 16) & (digits[text[2:]] < 16))
    text[at] = 16 * digits[text[at + 1]] + digits[text[at + 2]]
    kept = np.ones(len(text), bool)
    kept[at + 1] = kept[at + 2] = False
    return text[kept].tobytes()


def _multipart(content_type: str, body: bytes) -> dict[str, bytes]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise RequestError("the Content-Type of the multipart form names no boundary")
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise RequestError("the multipart form is broken") from None
    if not parts.ended:
        raise RequestError("the multipart form is cut off")
    return parts.form


class _Parts:
    """Collects the parts of a multipart form."""

    def __init__(self) -> None:
        self.form: dict[str, bytes] = {}
        self.ended = False
        self._count = 0
        self._field = self._value = b""
        self._disposition = b""
        self._data: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_begin": self._header_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise RequestError(f"the form has more than {MOST_FIELDS} fields")
        self._disposition, self._data = b"", []

    def _header_begin(self) -> None:
        self._field = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _end(self) -> None:
        from python_multipart.multipart import parse_options_header

        name = parse_options_header(self._disposition)[1].get(b"name")
        if name is None:
            raise RequestError("a part of the multipart form has no name")
        _add(self.form, name, b"".join(self._data))

    def _finish(self) -> None:
        self.ended = True


def _add(form: dict[str, bytes], name: bytes, value: bytes) -> None:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise RequestError("a field's name is not UTF-8") from None
    if text in form:
        raise RequestError("a field is there twice")
    form[text] = value
