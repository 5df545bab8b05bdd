"""Unpacking the archives of the test data."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    Pick = Callable[[Sequence[tarfile.TarInfo]], Sequence[tarfile.TarInfo]]


def unpack(archive: Path, folder: Path, pick: Pick | None = None) -> list[Path]:
    """Unpack a tar archive, or the members that `pick` takes of all, and give where they are now."""
    with tarfile.open(archive) as tar:
        # Python has the filter from 3.11.4 on. Before that, nothing but trust protects from an archive.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        members = tar.getmembers() if pick is None else pick(tar.getmembers())
        tar.extractall(folder, members)
    return [folder / member.name for member in members]


def content(tar: tarfile.TarFile, member: tarfile.TarInfo | str) -> bytes:
    """The bytes of a file in an open archive."""
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def first_photos(people: int) -> Pick:
    """Picks the first photos of that many people of LFW, spread over the alphabet."""
    return lambda members: _spread([member for member in members if member.name.endswith("_0001.jpg")], people)


def some_photos(count: int) -> Pick:
    """Picks that many photos of LFW, spread over the alphabet."""
    return lambda members: _spread([member for member in members if member.name.endswith(".jpg")], count)


def _spread(members: list[tarfile.TarInfo], count: int) -> list[tarfile.TarInfo]:
    return members[:: max(1, len(members) // count)][:count]
