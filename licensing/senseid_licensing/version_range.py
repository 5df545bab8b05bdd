"""Ranges of product versions, compared as numbers: 1.10 is later than 1.9."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from senseid_licensing.errors import ArgumentError, library_error

if TYPE_CHECKING:
    from packaging.version import Version

_NUMERIC = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,5}", re.ASCII)


def base_version(text: str) -> Version:
    """The release that a version belongs to, for comparison: `2.0.dev3` and `2.0rc1` belong to `2.0`.

    So 'below 2' excludes the previews of 2, and 'from 1.5' includes those of 1.5.

    Raises:
        ArgumentError: the text is not a version.
        LibraryError: the library that compares versions does not load.
    """
    try:
        from packaging.version import InvalidVersion, Version
    except ImportError as error:
        raise library_error(error, "packaging") from error

    try:
        return Version(Version(text).base_version)
    except InvalidVersion:
        raise ArgumentError(f"{text[:40]!r} is not a version number", remedy="write it like 1.10 or 1.10.2") from None


@dataclass(frozen=True)
class VersionRange:
    """Versions from `first` (included) to `below` (excluded); None leaves a side open."""

    first: str | None = None
    below: str | None = None

    def __post_init__(self) -> None:
        for bound in (self.first, self.below):
            if bound is not None and not _NUMERIC.fullmatch(bound):
                raise ArgumentError(f"{bound[:40]!r} is no version bound", remedy="write it like 1.10 or 1.10.2")
        if self._first is not None and self._below is not None and self._first >= self._below:
            raise ArgumentError(f"the version range '{self}' is empty", remedy="put the lower version first")

    @cached_property
    def _first(self) -> Version | None:
        return None if self.first is None else base_version(self.first)

    @cached_property
    def _below(self) -> Version | None:
        return None if self.below is None else base_version(self.below)

    def __contains__(self, version: str) -> bool:
        number = base_version(version)
        return (self._first is None or self._first <= number) and (self._below is None or number < self._below)

    def within(self, other: VersionRange) -> bool:
        """Whether every version of this range is in the other."""
        low = other._first is None or (self._first is not None and self._first >= other._first)
        high = other._below is None or (self._below is not None and self._below <= other._below)
        return low and high

    def __str__(self) -> str:
        if self.first is None and self.below is None:
            return "any version"
        parts = [f"from {self.first}" if self.first else "", f"below {self.below}" if self.below else ""]
        return " ".join(part for part in parts if part)
