from __future__ import annotations

import sys

import pytest

from senseid_licensing.errors import ArgumentError, LibraryError
from senseid_licensing.version_range import VersionRange


@pytest.mark.parametrize(
    ("first", "below", "version", "covered"),
    [
        ("1.9", None, "1.10", True),  # as numbers, not as text
        (None, "1.10", "1.9", True),
        (None, "1.9", "1.10", False),
        ("1.10", None, "1.9", False),
        ("1.0", "2", "1.0", True),
        ("1.0", "2", "2", False),
        ("1.0", "2", "2.0.0", False),
        ("1.0", "2", "2.0.dev3", False),  # a preview of 2 is no 1
        ("1.5", None, "1.5rc1", True),
        ("1.5", None, "1.5+local.7", True),
        (None, None, "0.0.1", True),
    ],
)
def test_versions_compare_as_numbers(first: str | None, below: str | None, version: str, covered: bool) -> None:
    assert (version in VersionRange(first, below)) is covered


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packaging.version", None)
    with pytest.raises(LibraryError, match="packaging does not load"):
        VersionRange("1.0")


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        (("1.2", "1.9"), ("1.2", "1.10"), True),
        (("1.2", "1.10"), ("1.2", "1.9"), False),
        (("1.1", "1.9"), ("1.2", "1.9"), False),
        ((None, "1.9"), ("1.2", None), False),
        (("1.2", None), (None, "1.9"), False),
        ((None, None), (None, None), True),
        (("1.0", "1.1"), (None, None), True),
    ],
)
def test_within(inner: tuple[str | None, str | None], outer: tuple[str | None, str | None], within: bool) -> None:
    assert VersionRange(*inner).within(VersionRange(*outer)) is within


@pytest.mark.parametrize("bound", ["", "1.", "v1", "1.0rc1", "1!2", "9" * 10, "1.2.3.4.5.6.7", "1\n", "１"])
def test_a_bound_is_plain_numbers(bound: str) -> None:
    with pytest.raises(ArgumentError, match="no version bound"):
        VersionRange(bound, None)


def test_an_empty_range_and_a_wrong_version_are_refused() -> None:
    with pytest.raises(ArgumentError, match="is empty"):
        VersionRange("1.10", "1.9")
    with pytest.raises(ArgumentError, match="not a version number"):
        "one" in VersionRange()  # noqa: B015


@pytest.mark.parametrize(
    ("bounds", "text"),
    [((None, None), "any version"), (("1", None), "from 1"), ((None, "2"), "below 2"), (("1", "2"), "from 1 below 2")],
)
def test_a_range_reads_well(bounds: tuple[str | None, str | None], text: str) -> None:
    assert str(VersionRange(*bounds)) == text
