"""The fields of an answer, read with their types."""

from __future__ import annotations

import binascii
import sys
from typing import TYPE_CHECKING, Any

from senseid_client.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable


class Fields:
    """Part of an answer. Each reader takes the name of a field, or `""` for the part itself, and checks its type."""

    def __init__(self, value: object, where: str) -> None:
        self._value = value
        self._where = where

    def __contains__(self, name: str) -> bool:
        return isinstance(self._value, dict) and name in self._value

    @property
    def request_id(self) -> str:
        """The id of the request that was answered."""
        return self.text("request_id")

    def inner(self, name: str) -> Fields:
        """The part of that name."""
        return Fields(self._get(name), f"{name} of {self._where}")

    def each(self, name: str, read: Callable[[Fields], Any]) -> tuple[Any, ...]:
        """A list, each item read by `read`."""
        found = self._get(name)
        if not isinstance(found, list):
            raise self.refused(f"a list in {name}")
        return tuple(read(Fields(item, f"{name} of {self._where}")) for item in found)

    def number(self, name: str) -> float:
        """A finite number."""
        found = self._get(name)
        # NaN, an infinity, and a whole number that is too long for a float are greater than this, or not comparable.
        if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) <= sys.float_info.max:
            raise self.refused(f"a number in {name}")
        return float(found)

    def integer(self, name: str) -> int:
        """An integer."""
        found = self._get(name)
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.refused(f"a whole number in {name}")
        return found

    def flag(self, name: str) -> bool:
        """A boolean."""
        found = self._get(name)
        if not isinstance(found, bool):
            raise self.refused(f"true or false in {name}")
        return found

    def text(self, name: str) -> str:
        """A string."""
        found = self._get(name)
        if not isinstance(found, str):
            raise self.refused(f"a text in {name}")
        return found

    def base64(self, name: str) -> bytes:
        """The bytes of a Base64 string."""
        try:
            return binascii.a2b_base64(self.text(name), strict_mode=True)
        except ValueError:
            raise self.refused(f"Base64 in {name}") from None

    def refused(self, wanted: str) -> AnswerError:
        """The error for a field of the wrong type."""
        return AnswerError(f"{self._where} has not {wanted}: is this the service, and of this version?")

    def _get(self, name: str) -> object:
        if not name:
            return self._value
        if not isinstance(self._value, dict) or name not in self._value:
            raise self.refused(f"the field {name}")
        return self._value[name]
