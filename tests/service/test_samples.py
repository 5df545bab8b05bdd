"""The samples of the page: what of a folder is offered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from senseid_service.samples import MOST, find_samples

if TYPE_CHECKING:
    from pathlib import Path


def test_photos_and_videos_by_name(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.mp4", "notes.txt", ".hidden.jpg", "deep/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"-")
    (tmp_path / "folder.jpg").mkdir()
    assert [(sample.name, sample.kind) for sample in find_samples(tmp_path)] == [("a.mp4", "video"), ("b.JPG", "photo")]


def test_nothing_that_the_service_would_refuse_for_its_length(tmp_path: Path) -> None:
    for name, length in (("fits.png", 5 << 20), ("long.png", (5 << 20) + 1), ("long.mp4", (16 << 20) + 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(length)
    assert [sample.name for sample in find_samples(tmp_path)] == ["fits.png"]


def test_no_link(tmp_path: Path) -> None:
    """It may lead to any file of the machine, and everybody who is served sees the samples."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "samples"
    folder.mkdir()
    (folder / "a.jpg").symlink_to(tmp_path / "secret")
    (folder / "b.jpg").write_bytes(b"-")
    (sample,) = find_samples(folder)
    assert (sample.name, sample.read()) == ("b.jpg", b"-")
    for replace in (lambda: (folder / "b.jpg").symlink_to(tmp_path / "secret"), lambda: os.mkfifo(folder / "b.jpg")):
        (folder / "b.jpg").unlink()
        replace()
        with pytest.raises(OSError, match=r"link|regular"):
            sample.read()


def test_a_sample_that_has_grown(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"-")
    (sample,) = find_samples(tmp_path)
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate((5 << 20) + 1)
    with pytest.raises(OSError, match="long"):
        sample.read()


def test_not_too_many(tmp_path: Path) -> None:
    for number in range(MOST + 3):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"-")
    assert [sample.name for sample in find_samples(tmp_path)][-1] == f"{MOST - 1:03}.jpg"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        find_samples(tmp_path / "absent")
