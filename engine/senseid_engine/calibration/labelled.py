"""Labelled sets: their photos and the people on them. Reads names only; no photo is opened.

Two kinds:

- a folder with one sub-folder per person: all pairs of photos count;
- a CSV of pairs, `first,second,same`: these pairs count, and no others, since who is who beyond them is not known.

LFW's `pairs.txt` names pairs of such a folder, in folds, for the accuracy that others report.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.calibration.pairs import ListedPairs
from senseid_engine.errors import CalibrationError
from senseid_engine.media import PHOTO_SUFFIXES, open_media, reading

if TYPE_CHECKING:
    import numpy.typing as npt

HEADER = ["first", "second", "same"]
_YES = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a set.

    Attributes:
        name: its path relative to the set, with `/` between the parts.
        path: its path.
        person: number of the person, from 0 without gaps.
    """

    name: str
    path: Path
    person: int


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Pairs of photos with labels.

    Attributes:
        numbers: the photos, by their numbers in the set.
        same: bool (n,), whether they show the same person.
        fold: int32 (n,), the fold of each pair; all 0 where there are none.
    """

    numbers: ListedPairs
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A labelled set.

    Attributes:
        name: its name in messages.
        photos: its photos, sorted by name.
        pairs: the only pairs that count; None if all pairs do.
    """

    name: str
    photos: tuple[Photo, ...]
    pairs: LabelledPairs | None


def read_folder(folder: Path) -> LabelledSet:
    """Read a folder with one sub-folder per person.

    Files beside the sub-folders, hidden files and files without a photo's suffix are ignored.

    Raises:
        CalibrationError: it cannot be read, or there are fewer than two people with photos.
    """
    photos: list[Photo] = []
    people = 0
    try:
        for directory in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
            files = sorted(path for path in directory.iterdir() if _is_photo(path))
            photos += [Photo(f"{directory.name}/{path.name}", path, people) for path in files]
            people += bool(files)
    except OSError as error:
        raise CalibrationError(str(folder), f"cannot be read: {error.strerror or error}") from None
    if people < 2:
        problem = "has photos of fewer than two people: give every person a sub-folder with their photos"
        raise CalibrationError(str(folder), problem)
    return LabelledSet(str(folder), tuple(photos), None)


def read_pairs_csv(file: Path) -> LabelledSet:
    """Read a CSV of pairs with the header `first,second,same`: two paths relative to the file, and 1, 0, true or false.

    Semicolons or tabs may separate the columns, as spreadsheets write them. Photos that are linked by pairs of the same
    person show one person. A pair that is listed twice counts once.

    Raises:
        MediaError: the file cannot be read.
        CalibrationError: a line is malformed, names no file, pairs a photo with itself, or contradicts the others.
    """
    lines: list[tuple[int, str, str, bool]] = []
    text = _lines(file)
    # The names of the header hold none of them.
    delimiter = next((mark for mark in ";\t" if text and mark in text[0]), ",")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        # A row has the number of the line on which it ends, as editors count.
        rows = iter([(reader.line_num, row) for row in reader])
    except csv.Error as error:
        raise _bad_line(file, reader.line_num, str(error)) from None
    _, header = next(rows, (1, []))
    if [name.strip().lower() for name in header] != HEADER:
        raise _bad_line(file, 1, "the header must be 'first,second,same'")
    for number, row in rows:
        if not row:
            continue
        if len(row) != len(HEADER):
            raise _bad_line(file, number, f"has {len(row)} fields instead of {len(HEADER)}")
        first, second, answer = (text.strip() for text in row)
        if answer.lower() not in _YES:
            raise _bad_line(file, number, f"'same' must be 1, 0, true or false, not {answer!r}")
        lines.append((number, _plain(first), _plain(second), _YES[answer.lower()]))
    return _set_of_pairs(file, lines)


def read_lfw_pairs(file: Path, labelled: LabelledSet) -> LabelledPairs:
    """Read LFW's `pairs.txt`: a header `folds pairs`, then for each fold that many `name i j` and `name i name j`.

    Args:
        file: the file; tabs between the words, or spaces.
        labelled: the folder whose photos it names, as `name/name_0001.jpg`.

    Raises:
        MediaError: the file cannot be read.
        CalibrationError: a line is malformed or names no photo of the set, or there are more or fewer lines than the
            header says.
    """
    known = {photo.name.rpartition(".")[0]: number for number, photo in enumerate(labelled.photos)}
    # Tabs, so that a name may hold spaces; by hand, people type spaces.
    lines = [line.strip().split("\t" if "\t" in line else None) for line in _lines(file)]
    header = [int(word) if word.isdecimal() else 0 for word in lines[0]] if lines else []
    if len(header) != 2 or header[0] < 2 or header[1] < 1:
        raise _bad_line(file, 1, "the header must be two numbers: folds (at least 2) and pairs of each kind in a fold")
    folds, half = header
    while not any(lines[-1]):
        lines.pop()
    if len(lines) - 1 != folds * half * 2:
        raise CalibrationError(str(file), f"has {len(lines) - 1} pairs; its header says {folds * half * 2}")
    pairs = []
    for index, words in enumerate(lines[1:]):
        same = index // half % 2 == 0
        if len(words) != (3 if same else 4):
            kind = "'name i j'" if same else "'name i name j'"
            raise _bad_line(file, index + 2, f"must be {kind}")
        chosen = [(words[0], words[1]), (words[0] if same else words[2], words[-1])]
        first, second = (f"{name}/{name}_{ordinal:0>4}" for name, ordinal in chosen)
        for key in (first, second):
            if key not in known:
                raise _bad_line(file, index + 2, f"{labelled.name} has no photo {key}")
        if first == second:
            raise _bad_line(file, index + 2, "pairs a photo with itself")
        pairs.append((known[first], known[second], same, index // (2 * half)))
    return _columns(pairs)


def _set_of_pairs(file: Path, lines: list[tuple[int, str, str, bool]]) -> LabelledSet:
    names = sorted({name for _, first, second, _ in lines for name in (first, second)})
    number_of = {name: number for number, name in enumerate(names)}
    leader = list(range(len(names)))

    def find(photo: int) -> int:
        while leader[photo] != photo:
            leader[photo] = leader[leader[photo]]
            photo = leader[photo]
        return photo

    checked: set[str] = set()
    for number, first, second, same in lines:
        for name in (first, second):
            if name not in checked and not _is_file(file.parent / name):
                raise _bad_line(file, number, f"there is no file {name!r} beside {file.name}")
            checked.add(name)
        if first == second:
            raise _bad_line(file, number, "pairs a photo with itself")
        if same:
            leader[find(number_of[second])] = find(number_of[first])
    for number, first, second, same in lines:
        if not same and find(number_of[first]) == find(number_of[second]):
            raise _bad_line(file, number, "says 'different', but other lines make these photos one person's")
    numbers: dict[int, int] = {}
    people = [numbers.setdefault(find(photo), len(numbers)) for photo in range(len(names))]
    photos = (Photo(name, file.parent / name, person) for name, person in zip(names, people, strict=True))
    # A pair that is listed twice is not more evidence than one listed once.
    once: dict[frozenset[str], tuple[int, int, bool, int]] = {}
    for _, first, second, same in lines:
        once.setdefault(frozenset((first, second)), (number_of[first], number_of[second], same, 0))
    return LabelledSet(str(file), tuple(photos), _columns(list(once.values())))


def _columns(pairs: list[tuple[int, int, bool, int]]) -> LabelledPairs:
    table = np.array(pairs, np.int32).reshape(-1, 4)
    return LabelledPairs(ListedPairs(table[:, 0], table[:, 1]), table[:, 2].astype(np.bool_), table[:, 3])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _lines(file: Path) -> list[str]:
    with open_media(file, "list of pairs", piped=False) as opened, reading(str(file), "list of pairs"):
        data = opened.read()
    try:
        # Not str.splitlines, which breaks lines within names: at a form feed, or at U+2028.
        return list(io.StringIO(data.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError:
        raise CalibrationError(str(file), "is not UTF-8 text") from None


def _plain(name: str) -> str:
    """One spelling of a path for `a.jpg`, `./a.jpg` and `.//a.jpg`."""
    return Path(name).as_posix() if name else name


def _bad_line(file: Path, number: int, problem: str) -> CalibrationError:
    return CalibrationError(f"{file}, line {number}", problem)
