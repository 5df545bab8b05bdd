"""Labelled sets: what counts as a photo, who is who, and what a bad line is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from senseid_engine.calibration.labelled import LabelledSet, read_folder, read_lfw_pairs, read_pairs_csv
from senseid_engine.errors import CalibrationError, MediaNotFoundError, MediaUnreadableError
from tests.archives import content

if TYPE_CHECKING:
    from pathlib import Path


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_a_folder_a_person(tmp_path: Path) -> None:
    touch(tmp_path, "bo/2.png", "bo/1.JPG", "ada lovelace/x.tiff", "empty/readme.txt", "pairs.txt", "Zoë/a.bmp")
    touch(tmp_path, ".cache/a.jpg", "bo/.hidden.jpg", "bo/deeper/3.jpg", "bo/Thumbs.db")
    (tmp_path / "bo" / "folder.jpg").mkdir()
    labelled = read_folder(tmp_path)
    assert [(photo.name, photo.person) for photo in labelled.photos] == [
        ("Zoë/a.bmp", 0),
        ("ada lovelace/x.tiff", 1),
        ("bo/1.JPG", 2),
        ("bo/2.png", 2),
    ]
    assert all(photo.path == tmp_path / photo.name for photo in labelled.photos)
    assert labelled.pairs is None


def test_one_person_makes_no_set(tmp_path: Path) -> None:
    touch(tmp_path, "bo/1.jpg", "bo/2.jpg", "empty/readme.txt")
    with pytest.raises(CalibrationError, match="fewer than two people"):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"nowhere: cannot be read: No such file"):
        read_folder(tmp_path / "nowhere")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return touch(tmp_path, "a.jpg", "b.jpg", "sub/c, d.jpg", "e.jpg")


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_of_a_csv(photos: Path) -> None:
    text = '\ufeffFirst, second ,same\r\na.jpg,b.jpg,1\r\n\r\n"sub/c, d.jpg",b.jpg,TRUE\r\na.jpg,e.jpg,false\r\n'
    labelled = read_pairs_csv(csv_file(photos, text))
    assert [photo.name for photo in labelled.photos] == ["a.jpg", "b.jpg", "e.jpg", "sub/c, d.jpg"]
    # Linked by pairs of the same person: a-b and b-c make one person of three photos.
    assert [photo.person for photo in labelled.photos] == [0, 0, 1, 0]
    assert labelled.pairs is not None
    assert labelled.pairs.numbers.first.tolist() == [0, 3, 0]
    assert labelled.pairs.numbers.second.tolist() == [1, 1, 2]
    assert labelled.pairs.same.tolist() == [True, True, False]


@pytest.mark.parametrize("delimiter", ";\t")
def test_pairs_from_a_spreadsheet(photos: Path, delimiter: str) -> None:
    rows = (("first", "second", "same"), ("a.jpg", "b.jpg", "1"), ("sub/c, d.jpg", "b.jpg", "0"))
    text = "\ufeff" + "".join(delimiter.join(row) + "\r\n" for row in rows)
    labelled = read_pairs_csv(csv_file(photos, text))
    assert [photo.name for photo in labelled.photos] == ["a.jpg", "b.jpg", "sub/c, d.jpg"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "header"),
        ("a.jpg,b.jpg,1\n", 1, "header"),
        ("first,second,same\na.jpg,b.jpg\n", 2, "has 2 fields instead of 3"),
        ("first,second,same\n\na.jpg,b.jpg,yes\n", 3, "not 'yes'"),
        ("first,second,same\na.jpg,x.jpg,1\n", 2, "there is no file 'x.jpg' beside pairs.csv"),
        ("first,second,same\na.jpg,sub,1\n", 2, "there is no file 'sub'"),
        (f"first,second,same\na.jpg,{'x' * 5000},1\n", 2, "there is no file 'xxx"),
        ("first,second,same\na.jpg,b\0.jpg,1\n", 2, "there is no file"),
        (f"first,second,same\na.jpg,{'x' * 200_000},1\n", 2, "larger than field limit"),
        ("first,second,same\na.jpg,a.jpg,1\n", 2, "with itself"),
        ('first,second,same\na.jpg,"b.jpg\n,1', 3, "unexpected end of data"),
        ("first,second,same\na.jpg,b.jpg,0\na.jpg,e.jpg,1\nb.jpg,e.jpg,1\n", 2, "one person's"),
    ],
)
def test_a_bad_line_of_a_csv_is_named(photos: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(CalibrationError, match=problem) as caught:
        read_pairs_csv(csv_file(photos, text))
    assert str(caught.value).startswith(f"{photos / 'pairs.csv'}, line {line}: ")


def test_a_pair_counts_once(photos: Path) -> None:
    text = "first,second,same\na.jpg,b.jpg,0\n./a.jpg,b.jpg,0\nb.jpg,a.jpg,0\na.jpg,e.jpg,1\n"
    labelled = read_pairs_csv(csv_file(photos, text))
    assert [photo.name for photo in labelled.photos] == ["a.jpg", "b.jpg", "e.jpg"]
    assert labelled.pairs is not None
    assert labelled.pairs.same.tolist() == [False, True]
    with pytest.raises(CalibrationError, match="with itself"):
        read_pairs_csv(csv_file(photos, "first,second,same\na.jpg,./a.jpg,1\n"))


def test_names_with_odd_breaks(tmp_path: Path) -> None:
    touch(tmp_path, "a\u2028b.jpg", "c\x0cd.jpg", "e\nf.jpg")
    text = 'first,second,same\na\u2028b.jpg,c\x0cd.jpg,1\na\u2028b.jpg,"e\nf.jpg",0\n'
    names = [photo.name for photo in read_pairs_csv(csv_file(tmp_path, text)).photos]
    assert names == ["a\u2028b.jpg", "c\x0cd.jpg", "e\nf.jpg"]


def test_a_file_that_cannot_be_read(tmp_path: Path, lfw: LabelledSet) -> None:
    with pytest.raises(MediaNotFoundError, match="no such file"):
        read_pairs_csv(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe")
    for read in (read_pairs_csv, lambda file: read_lfw_pairs(file, lfw)):
        with pytest.raises(MediaUnreadableError, match=r"is not a regular file: name a file$"):
            read(tmp_path / "pipe")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match="not UTF-8"):
        read_pairs_csv(tmp_path / "binary.csv")


LFW = """2\t1
Ann\t1\t2
Ann\t1\tBo\t1
Bo\t1\t2
Bo\t2\tCy_D\t3
"""


@pytest.fixture
def lfw(tmp_path: Path) -> LabelledSet:
    names = ["Ann/Ann_0001", "Ann/Ann_0002", "Bo/Bo_0001", "Bo/Bo_0002", "Cy_D/Cy_D_0003"]
    touch(tmp_path, *(f"{name}.jpg" for name in names))
    return read_folder(tmp_path)


def lfw_file(folder: Path, text: str) -> Path:
    path = folder / "pairs.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_of_lfw(tmp_path: Path, lfw: LabelledSet) -> None:
    tabs, spaces = (read_lfw_pairs(lfw_file(tmp_path, text), lfw) for text in (LFW + "\n", LFW.replace("\t", "  ")))
    assert spaces.numbers.second.tolist() == tabs.numbers.second.tolist()
    pairs = tabs
    assert pairs.numbers.first.tolist() == [0, 0, 2, 3]
    assert pairs.numbers.second.tolist() == [1, 2, 3, 4]
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.fold.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("old", "new", "place", "problem"),
    [
        ("2\t1\n", "ten\t300\n", ", line 1", "header"),
        ("2\t1\n", "1\t2\n", ", line 1", "at least 2"),
        ("2\t1\n", "2\n", ", line 1", "header"),
        ("2\t1\n", "2\t0\n", ", line 1", "header"),
        ("2\t1\n", "2\tx\t1\n", ", line 1", "header"),
        (LFW, "", ", line 1", "header"),
        ("2\t1\n", "2\t2\n", "", "has 4 pairs; its header says 8"),
        ("Ann\t1\t2\n", "Ann\t1\tBo\t1\n", ", line 2", "must be 'name i j'"),
        ("Ann\t1\tBo\t1\n", "Ann\t1\t2\n", ", line 3", "must be 'name i name j'"),
        ("Bo\t1\t2\n", "Bo\t1\t9\n", ", line 4", "no photo Bo/Bo_0009"),
        ("Bo\t1\t2\n", "Bo\t1\t1\n", ", line 4", "with itself"),
    ],
)
def test_a_bad_line_of_lfw_is_named(
    tmp_path: Path, lfw: LabelledSet, old: str, new: str, place: str, problem: str
) -> None:
    with pytest.raises(CalibrationError, match=problem) as caught:
        read_lfw_pairs(lfw_file(tmp_path, LFW.replace(old, new)), lfw)
    assert str(caught.value).startswith(f"{tmp_path / 'pairs.txt'}{place}: ")


@pytest.mark.data
def test_the_pairs_file_of_the_shared_set(test_data: Path, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(test_data / "lfw-pairs.tar") as archive:
        names = archive.getnames()
        path = tmp_path / "pairs.txt"
        path.write_bytes(content(archive, "lfw/pairs.txt"))
    touch(tmp_path / "lfw", *(name.removeprefix("lfw/") for name in names if name.endswith(".jpg")))
    labelled = read_folder(tmp_path / "lfw")
    assert len(labelled.photos) == 7701
    pairs = read_lfw_pairs(path, labelled)
    assert (len(pairs.same), int(pairs.same.sum()), int(pairs.fold.max()) + 1) == (6000, 3000, 10)
    person = [photo.person for photo in labelled.photos]
    for first, second, same in zip(pairs.numbers.first, pairs.numbers.second, pairs.same, strict=True):
        assert (person[first] == person[second]) == same
