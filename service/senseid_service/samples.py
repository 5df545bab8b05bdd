"""Sample photos and videos for the page, from a folder that the operator named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_engine.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from senseid_models.open_file import open_regular

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

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: it cannot be read, or is no longer what was found.
        """
        if self.path.is_symlink():
            raise OSError("it is a link")
        with open_regular(self.path) as file:
            data = file.read(_MOST_BYTES[self.kind] + 1)
        if len(data) > _MOST_BYTES[self.kind]:
            raise OSError("it is too long")
        return data


def find_samples(folder: Path) -> tuple[Sample, ...]:
    """The photos and videos of a folder that the service would take, by name; not those of its subfolders.

    Links are left out: everybody who is served sees a sample, and one may lead to any file of this machine.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        kind = "photo" if suffix in PHOTO_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else None
        if kind is None or path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        if path.stat().st_size <= _MOST_BYTES[kind]:
            found.append(Sample(path.name, kind, path))
    return tuple(found[:MOST])
