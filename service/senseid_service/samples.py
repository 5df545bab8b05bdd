"""Sample photos and videos for the page, from a folder that the operator named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_engine.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 24
"""Samples that are shown at most."""

_MOST_BYTES: Final = {"photo": 5 * 1024 * 1024, "video": 16 * 1024 * 1024}


@dataclass(frozen=True, slots=True)
class Sample:
    """One file of the folder.

    Attributes:
        name: of the file.
        kind: `photo` or `video`.
        path: where it lies.
    """

    name: str
    kind: str
    path: Path


def find_samples(folder: Path) -> tuple[Sample, ...]:
    """The photos and videos of a folder that the service would take, by name; not those of its subfolders.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        kind = "photo" if suffix in PHOTO_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else None
        if kind and path.is_file() and not path.name.startswith(".") and path.stat().st_size <= _MOST_BYTES[kind]:
            found.append(Sample(path.name, kind, path))
    return tuple(found[:MOST])
