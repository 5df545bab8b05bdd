"""Who is on the photos of the labelled sets, with what is known to be wrong about them put right.

The sets are archives of the test data: `lfw-pairs.tar` with `lfw-east-asian.csv`, `faces-southasia.tar` and
`faces-groups.tar`. `corrections.csv`, beside this file, says which names are one person, which photos show somebody
else, and why; each line was decided by looking at the photos.
"""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CORRECTIONS = Path(__file__).with_name("corrections.csv")
LFW = "lfw"
SOUTH_ASIA = "southasia"


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo.

    Attributes:
        set: `lfw`, `southasia`, or a set of `faces-groups.tar`: `congress`, `utk`, `rappers`, `singers`, `sport`.
        name: its path in its archive.
        person: who it shows.
        sex: `female`, `male`, or empty where nobody said.
        origin: such as `East Asian`; empty where nobody said.
        region: of origin, where it is known better.
        age: `child`, `adult` or `old`.
    """

    set: str
    name: str
    person: str
    sex: str = ""
    origin: str = ""
    region: str = ""
    age: str = "adult"


def read_photos(data: Path) -> Iterator[tuple[LabelledPhoto, bytes]]:
    """Every photo of the sets as published, with the bytes of its file, one at a time, in a fixed order.

    Args:
        data: the folder with the archives.

    Raises:
        OSError: an archive is missing or cannot be read.
    """
    east_asian = {row["person"]: row["sex"] for row in _rows((data / "lfw-east-asian.csv").read_text(encoding="utf-8"))}
    for name, content, _ in _files(data / "lfw-pairs.tar", ".jpg"):
        person = name.parent.name
        sex = east_asian.get(person, "")
        yield LabelledPhoto(LFW, str(name), person, sex, "East Asian" if sex else ""), content
    for name, content, labels in _files(data / "faces-southasia.tar", ".jpg", "southasia/labels.csv"):
        row = labels[name.name]
        photo = LabelledPhoto(SOUTH_ASIA, str(name), name.name, row["sex"], "South Asian", row["region"])
        yield photo, content
    for name, content, labels in _files(data / "faces-groups.tar", "", "faces-groups/labels.csv"):
        row = labels["/".join(name.parts[1:])]
        age = row["group"].split()[0]
        age = {"child": "child", "70": "old"}.get(age, "adult")
        person = f"{row['set']}/{row['person']}"
        yield LabelledPhoto(row["set"], str(name), person, row["sex"], row["origin"], age=age), content


def corrected(photos: Sequence[LabelledPhoto]) -> list[LabelledPhoto]:
    """The same photos with the corrections applied."""
    rows = _rows(CORRECTIONS.read_text(encoding="utf-8"))
    said = {(row["set"], row["name"]): row["person"] for row in rows}

    def person(photo: LabelledPhoto) -> str:
        for name in (PurePosixPath(photo.name).stem, PurePosixPath(photo.name).name, photo.person.split("/")[-1]):
            if (photo.set, name) in said:
                prefix = f"{photo.set}/" if "/" in photo.person else ""
                return prefix + said[photo.set, name]
        return photo.person

    return [replace(photo, person=person(photo)) for photo in photos]


def numbered(photos: Sequence[LabelledPhoto]) -> np.ndarray:
    """A number for the person of each photo: int32 (photos,), from 0 without gaps."""
    return np.unique([photo.person for photo in photos], return_inverse=True)[1].astype(np.int32)


def _files(
    archive: Path, suffix: str, labels: str = ""
) -> Iterator[tuple[PurePosixPath, bytes, dict[str, dict[str, str]]]]:
    """The photos of an archive, with the rows of its labels by the name of the photo's file."""
    with tarfile.open(archive) as tar:
        rows = {}
        if labels:
            for row in _rows(_content(tar, labels).decode()):
                rows[
                    "/".join(filter(None, (row.get("set"), row.get("person"), row.get("file") or row.get("name"))))
                ] = row
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if member.isfile() and member.name.endswith(suffix) and not member.name.endswith((".csv", ".txt")):
                yield PurePosixPath(member.name), _content(tar, member.name), rows


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise FileNotFoundError(f"{tar.name}: {name} is no file")
    return file.read()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))
