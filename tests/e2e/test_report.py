"""`senseid report`: the page of a batch again, from each format of its results."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

KEY = {"PARAM_DECRYPT_KEY": "tests-have-a-key-of-32-character", "PARAM_DECRYPT_IV": "and-12-for-i"}


@pytest.fixture(scope="module")
def folder(senseid: Senseid, photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, one of them encrypted, their pairs, and what a batch of them wrote in each format."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        shutil.copy(photos[name], folder)
    assert senseid("encrypt", "biden.jpg", cwd=folder, env=KEY).returncode == 0
    rows = ["first,second,same,group", "obama.jpg,obama2.jpg,1,<b>door", "obama2.jpg,obama.jpg,1,<b>door"]
    rows += ["obama.jpg,biden.jpg.senseid,0,desk", "gone.jpg,obama.jpg,0,desk"]
    (folder / "pairs.csv").write_text("\n".join(rows))
    for suffix in ("csv", "ndjson", "parquet"):
        done = senseid(
            "batch", "pairs.csv", "--out", f"out.{suffix}", "--report", f"{suffix}.html", cwd=folder, env=KEY
        )
        assert done.returncode == 3, done.stderr
    return folder


def text_of(page: Path) -> str:
    """What a page says, without its pictures, its title and what it says about pictures."""
    text = re.sub('<img [^>]*>|<p class="note">This page holds[^<]*</p>', "", page.read_text())
    return text[text.index('<dl class="facts">') :]


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_it_says_what_the_page_of_the_batch_says(senseid: Senseid, folder: Path, tmp_path: Path, suffix: str) -> None:
    page = tmp_path / "again.html"
    done = senseid("report", f"out.{suffix}", "--photos", ".", "--out", page, cwd=folder, env=KEY)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.endswith(f"written to {page}\n".encode())
    assert text_of(page) == text_of(folder / f"{suffix}.html")
    assert page.stat().st_mode & 0o777 == 0o600
    shown = page.read_text()
    # Three pairs, one of them with an encrypted photo, which stays away.
    assert shown.count("<img ") == 5
    assert "holds 5 pictures of people, unencrypted. 1 pictures of encrypted photos are left out." in shown
    assert b"--plain-faces shows them" in done.stderr
    assert "<b>door" not in shown
    assert "Refused: 1 invalid argument (1200)." in shown


def test_encrypted_photos_are_shown_where_that_is_asked_for(senseid: Senseid, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "plain.html"
    words = ("--photos", ".", "--plain-faces", "--out", page)
    assert senseid("report", "out.csv", *words, cwd=folder, env=KEY).returncode == 0
    assert "holds 6 pictures of people, unencrypted, 1 of them of encrypted photos." in page.read_text()


def test_without_photos_it_shows_no_face_and_needs_no_licence(senseid: Senseid, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "out.csv", tmp_path / "scores.csv")
    done = senseid("report", "scores.csv", cwd=tmp_path, env={"SENSEID_HOME": str(tmp_path / "empty")})
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "scores.html").read_text()
    assert "<img" not in page
    assert "Results of scores.csv" in page
    done = senseid("report", "scores.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert b"scores.html is there already; --force overwrites it" in done.stderr
    done = senseid("report", "scores.csv", "--force", "--group", "same", cwd=tmp_path)
    assert done.returncode == 0
    assert '<td data-label="group">1</td>' in (tmp_path / "scores.html").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("out.csv", "--threshold", "0.2"), b"out.csv was made with another than 0.2"),
        (("pairs.csv",), b"pairs.csv holds no results of senseid batch: row 1 has no code"),
        (("none.csv",), b"none.csv cannot be read: no such file"),
        (("obama.jpg",), b"obama.jpg"),
        (("out.csv", "--photos", "nowhere"), b"there is no folder nowhere"),
        (("out.csv", "--plain-faces"), b"it needs --photos"),
        (("",), b"an empty word"),
        ((".",), b"it is a folder"),
        (("huge.ndjson", "--out", "page.html"), b"row 1 of huge.ndjson is not as senseid batch writes it"),
        (("out.csv", "--out", "page.txt"), b"page.txt does not end in .html"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    senseid: Senseid, folder: Path, tmp_path: Path, words: tuple[str, ...], line: bytes
) -> None:
    place = shutil.copytree(folder, tmp_path / "place", ignore=shutil.ignore_patterns("*.html"))
    (place / "huge.ndjson").write_text(f'{{"code": 1000, "verification_score": 1{"0" * 400}, "match": true}}\n')
    done = senseid("report", *words, cwd=place)
    assert done.returncode == 2
    assert line in done.stderr
    assert list(place.glob("*.html")) == []


def test_a_column_of_groups_that_is_not_there_is_refused(senseid: Senseid, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = senseid("report", "out.csv", "--group", "nosuch", "--out", page, cwd=folder)
    assert done.returncode == 2
    assert b"out.csv has no column nosuch" in done.stderr
    assert not page.exists()
    assert senseid("report", "out.csv", "--group", "same", "--out", page, cwd=folder).returncode == 0
