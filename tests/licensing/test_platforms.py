from __future__ import annotations

import pytest

from senseid_licensing.errors import ArgumentError
from senseid_licensing.platforms import check_platform, platform_name


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-x86_64"),
        ("Linux", "aarch64", "linux-aarch64"),
        ("Darwin", "arm64", "macos-arm64"),
        ("Windows", "AMD64", "windows-x86_64"),
    ],
)
def test_names(system: str, machine: str, name: str) -> None:
    assert platform_name(system, machine) == check_platform(name) == name


@pytest.mark.parametrize("name", ["linux", "Linux-x86_64", "linux-x86_64 ", "", "linux-\n"])
def test_anything_else_is_no_platform(name: str) -> None:
    with pytest.raises(ArgumentError, match="not a platform"):
        check_platform(name)
