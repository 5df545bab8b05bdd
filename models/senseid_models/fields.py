"""Strict access to one table of a manifest: every field has a type, and an unknown field is an error.

A dataclass is read by its types, and written by them: `Fields.record` and `table_of`.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import sys
from pathlib import PurePath
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# Read by the method of that name.
Sha256 = Annotated[str, "sha256"]
Identifier = Annotated[str, "identifier"]
FileName = Annotated[str, "file_name"]
Count = Annotated[int, "count"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Both become names of files and folders, which file systems limit to 255 bytes.
_ID = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:[-.][a-z0-9]+)*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

IDENTIFIER = "lower-case words joined by '-' or '.', at most 64 characters"
"""The form of a name in the registry."""


class FieldError(Exception):
    """A field is missing, unknown or of the wrong form. The text starts with where."""


class Fields:
    """The fields of one table, read one by one.

    `where` names the table in messages. Call `done` when everything was taken.
    """

    def __init__(self, where: str, table: object) -> None:
        if not isinstance(table, dict):
            raise FieldError(f"{where}: expected a table")
        self._where = where
        self._left: dict[str, Any] = dict(table)

    def has(self, name: str) -> bool:
        """Whether the field exists and was not read yet."""
        return name in self._left

    def done(self) -> None:
        """Refuse whatever is left."""
        if self._left:
            raise FieldError(f"{self._where}: unknown field {', '.join(sorted(self._left))}")

    def fail(self, name: str, problem: str) -> FieldError:
        """An error about one field, to be raised."""
        return FieldError(f"{self._where}: {name} {problem}")

    def _take(self, name: str) -> Any:
        try:
            return self._left.pop(name)
        except KeyError:
            raise FieldError(f"{self._where}: field {name} is missing") from None

    def text(self, name: str) -> str:
        """A non-empty string on one line."""
        value = self._take(name)
        if not isinstance(value, str) or not value.strip() or "\n" in value:
            raise self.fail(name, "must be text on one line")
        return value

    def _matching(self, name: str, pattern: re.Pattern[str], form: str) -> str:
        value = self.text(name)
        if not pattern.fullmatch(value):
            raise self.fail(name, f"must be {form}, not {value!r}")
        return value

    def sha256(self, name: str) -> str:
        """64 lower-case hexadecimal digits."""
        return self._matching(name, _SHA256, "64 lower-case hexadecimal digits")

    def identifier(self, name: str) -> str:
        """Lower-case words joined by '-' or '.', at most 64 characters."""
        return self._matching(name, _ID, IDENTIFIER)

    def file_name(self, name: str) -> str:
        """A bare file name: no directory, so nothing outside the manifest's own can be reached."""
        return self._matching(name, _FILE_NAME, "a file name without a directory, at most 128 characters")

    def choice(self, name: str, options: Any) -> Any:
        """One of the values of a `Literal` type."""
        value = self.text(name)
        allowed = get_args(options)
        if value not in allowed:
            raise self.fail(name, f"must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def date(self, name: str) -> datetime.date:
        """A date without a time."""
        value = self._take(name)
        if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
            raise self.fail(name, "must be a date, as in 2030-12-31")
        return value

    def whole(self, name: str, *, at_least: int = 1) -> int:
        """An integer."""
        value = self._take(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self.fail(name, f"must be a whole number of at least {at_least}")
        return value

    def count(self, name: str) -> int:
        """An integer that is not negative."""
        return self.whole(name, at_least=0)

    def number(self, name: str) -> float:
        """A finite number that is not negative."""
        value = self._take(name)
        if not _is_number(value) or value < 0:
            raise self.fail(name, "must be a number that is not negative")
        return float(value)

    def signed(self, name: str) -> float:
        """A finite number of either sign."""
        value = self._take(name)
        if not _is_number(value):
            raise self.fail(name, "must be a number")
        return float(value)

    def flag(self, name: str) -> bool:
        """A boolean."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self.fail(name, "must be true or false")
        return value

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """A list of `count` finite numbers."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(v) for v in value):
            raise self.fail(name, f"must be a list of {count} numbers")
        return tuple(float(v) for v in value)

    def points(self, name: str) -> tuple[tuple[float, float], ...]:
        """A list of at least two [x, y], which is what a similarity transform needs."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) < 2 or not all(_is_pair(p) for p in value):
            raise self.fail(name, "must be a list of at least two [x, y]")
        return tuple((float(x), float(y)) for x, y in value)

    def shape(self, name: str) -> tuple[int | str, ...]:
        """A list of dimensions: positive whole numbers, or names of free ones."""
        value = self._take(name)
        if not isinstance(value, list) or not value or not all(_is_dimension(d) for d in value):
            raise self.fail(name, "must be a list of positive whole numbers and names")
        return tuple(value)

    def record(self, cls: type[T], **known: Any) -> T:
        """A dataclass, each field by its type from the field of its name, or of the `key` in its metadata.

        `Annotated` names the method that reads a narrower form. What may be None or has a default may be absent.

        Args:
            cls: the dataclass, whose annotations are no strings: its module does without `annotations`.
            known: values of fields that are not to be read.
        """
        for name, key, kind, default in _form(cls):
            if name not in known and (default is dataclasses.MISSING or self.has(key)):
                known[name] = self._typed(key, kind)
        return cls(**known)

    def _typed(self, name: str, kind: Any) -> Any:
        args = get_args(kind)
        if NoneType in args:
            return self._typed(name, args[0]) if self.has(name) else None
        if get_origin(kind) is Annotated:
            return getattr(self, args[1])(name)
        if get_origin(kind) is Literal:
            return self.choice(name, kind)
        if get_origin(kind) is tuple:
            return self.tables(name, lambda fields: fields.record(args[0]))
        if issubclass(kind, tuple):  # a named one: a list of its numbers
            return kind(*self.numbers(name, len(kind._fields)))
        if kind in _READERS:
            return _READERS[kind](self, name)
        return self.table(name, lambda fields: fields.record(kind))

    def table(self, name: str, parse: Callable[[Fields], T]) -> T:
        """A table inside this one."""
        return parse_table(f"{self._where}.{name}", self._take(name), parse)

    def tables(self, name: str, parse: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list of tables; an absent list is an empty one."""
        value = self._left.pop(name, [])
        if not isinstance(value, list):
            raise self.fail(name, "must be a list of tables")
        return tuple(parse_table(f"{self._where}.{name}[{i}]", v, parse) for i, v in enumerate(value))


_READERS: dict[type, Callable[[Fields, str], Any]] = {
    str: Fields.text,
    int: Fields.whole,
    float: Fields.number,
    bool: Fields.flag,
    datetime.date: Fields.date,
}


def _form(cls: Any) -> list[tuple[str, str, Any, Any]]:
    """The name of each field of a dataclass, its key in a table, its type and its default."""
    return [(f.name, f.metadata.get("key", f.name), f.type, f.default) for f in dataclasses.fields(cls)]


def table_of(record: Any) -> dict[str, Any]:
    """The table that `Fields.record` reads back as an equal dataclass; what is None or the default is left out."""
    values = ((key, getattr(record, name), default) for name, key, _, default in _form(type(record)))
    return {key: _plain(value) for key, value, default in values if value is not None and value != default}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return table_of(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, PurePath) else value


def is_identifier(text: str) -> bool:
    """Whether the text has the form of a name in the registry."""
    return _ID.fullmatch(text) is not None


def parse_table(where: str, table: object, parse: Callable[[Fields], T]) -> T:
    """Parse one table and refuse what `parse` did not take.

    Raises:
        FieldError: A field is missing, unknown or of the wrong form.
    """
    fields = Fields(where, table)
    result = parse(fields)
    fields.done()
    return result


def _is_number(value: object) -> bool:
    # Compared, and not asked of `math`: a whole number of hundreds of digits has no float. NaN compares as false.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_dimension(value: object) -> bool:
    return (type(value) is int and value > 0) or (isinstance(value, str) and value.isidentifier())
