"""Typed reading of one JSON object: every field is named, none is guessed, and each error names the field."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from senseid_licensing.errors import FormatError
from senseid_licensing.instant import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

    from senseid_licensing.document import Json

_ID = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_REMEDY = "ask your vendor for the file again"


class Fields:
    """One JSON object, read field by field.

    Attributes:
        value: the object itself.
        unread: the names of the fields that were not read yet.
    """

    __slots__ = ("_of", "unread", "value")

    def __init__(self, value: Json, of: str) -> None:
        if not isinstance(value, dict):
            raise FormatError(f"{of} is not an object", remedy=_REMEDY)
        self.value = value
        self._of = of
        self.unread = set(value)

    def raw(self, name: str) -> Json:
        """The raw value of a field."""
        if name not in self.value:
            raise FormatError(f"{self._of} has no field {name!r}", remedy=_REMEDY)
        self.unread.discard(name)
        return self.value[name]

    def text(self, name: str, longest: int = 200) -> str:
        """A printable, non-empty text. Control characters are refused: they would reach a terminal."""
        value = self.raw(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
            raise self.refuse(name, f"a printable text of at most {longest} characters")
        return value

    def identity(self, name: str) -> str:
        """An id: 16 to 64 hexadecimal digits in lower case."""
        value = self.raw(name)
        if not isinstance(value, str) or not _ID.fullmatch(value):
            raise self.refuse(name, "an id of 16 to 64 hexadecimal digits")
        return value

    def instant(self, name: str) -> datetime:
        """A second of UTC."""
        return parse_instant(self.text(name))

    def integer(self, name: str, lowest: int, highest: int) -> int:
        """An integer in a range; `true` does not count as one."""
        value = self.raw(name)
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise self.refuse(name, f"a whole number from {lowest} to {highest}")
        return value

    def octets(self, name: str, length: int) -> bytes:
        """Exactly `length` bytes, written in standard Base64."""
        value = self.raw(name)
        try:
            decoded = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        except (binascii.Error, ValueError):
            decoded = b""
        if len(decoded) != length:
            raise self.refuse(name, f"{length} bytes in Base64")
        return decoded

    def texts(self, name: str, most: int = 32) -> tuple[str, ...]:
        """A list of different printable texts."""
        value = self.items(name, most)
        texts = tuple(text for text in value if isinstance(text, str) and text.isprintable() and 0 < len(text) <= 64)
        if len(set(texts)) != len(value):
            raise self.refuse(name, "a list of different short texts")
        return texts

    def identities(self, name: str, most: int) -> tuple[str, ...]:
        """A list of different ids."""
        texts = self.texts(name, most)
        if not all(_ID.fullmatch(text) for text in texts):
            raise self.refuse(name, "a list of ids of 16 to 64 hexadecimal digits")
        return texts

    def items(self, name: str, most: int) -> list[Json]:
        """A list of at most `most` values of any type."""
        value = self.raw(name)
        if not isinstance(value, list) or len(value) > most:
            raise self.refuse(name, f"a list of at most {most} entries")
        return value

    def inner(self, name: str) -> Fields:
        """A field that is an object itself."""
        return Fields(self.raw(name), f"{self._of}.{name}")

    def is_null(self, name: str) -> bool:
        """Whether the field is there and null."""
        return self.raw(name) is None

    def finish(self) -> None:
        """Refuse fields that were not read."""
        if self.unread:
            raise FormatError(f"{self._of} has an unknown field {min(self.unread)[:40]!r}", remedy=_REMEDY)

    def refuse(self, name: str, wanted: str) -> FormatError:
        """The error for an invalid field."""
        return FormatError(f"{self._of}.{name} is not {wanted}", remedy=_REMEDY)
