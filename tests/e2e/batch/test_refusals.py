"""What a batch refuses before it begins, and rows that it cannot do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.batch.conftest import records

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid


@pytest.mark.parametrize("capability", ["batch", "compare"])
def test_the_licence_must_allow_batches_and_the_task(
    senseid: Senseid, manifest: Path, tmp_path: Path, capability: str
) -> None:
    narrow = type(senseid)(tmp_path / "home")
    shutil.copytree(senseid.home, narrow.home)
    issue = ("license", "issue", "--product", "senseid_face", "--licensee", "Acme", "--any-machine", "--days", "1")
    issued = narrow.json(*issue, "--capability", capability, "--out", tmp_path, status=0)
    assert narrow("license", "install", issued["path"]).returncode == 0
    done = narrow("batch", manifest, "--out", tmp_path / "out.csv")
    assert done.returncode == 4
    missing = "compare" if capability == "batch" else "batch"
    assert f"does not allow {missing}" in done.stderr.decode()
    assert not (tmp_path / "out.csv").exists()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    "data",
    [
        b"obama.jpg,obama2.jpg\n",
        b"first;second\r\nobama.jpg;obama2.jpg\r\n",
        b"sep=;\r\nFirst;Second\r\nobama.jpg;obama2.jpg\r\n",
        "first\tsecond\r\nobama.jpg\tobama2.jpg\r\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_and_scripts_write(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path, data: bytes
) -> None:
    for name in ("obama.jpg", "obama2.jpg"):
        shutil.copy(photos[name], tmp_path / name)
    (tmp_path / "pairs.csv").write_bytes(data)
    done = senseid("batch", tmp_path / "pairs.csv")
    assert done.returncode == 0, done.stderr
    (record,) = records(done.stdout)
    assert b"1 record done, 0 refused; 2 files worked on" in done.stderr
    assert (record["first"], record["second"], record["match"]) == ("obama.jpg", "obama2.jpg", "true")
    said = b"has no header: its columns are taken as first, second" in done.stderr
    assert said is data.startswith(b"obama")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"left,right\n", "has no column 'first', what it has is 'left', 'right'"),
        (b"left,right\na.jpg,b.jpg\n", "has no column 'first', what it has is 'left', 'right'"),
        (b"first,second,first_11\na.jpg,b.jpg,c.jpg\n", "'first_11', whose photos would be left out"),
        (b"first,second,first2\na.jpg,b.jpg,c.jpg\n", "'first2', whose photos would be left out"),
        (b"first,second,second_2\na.jpg,b.jpg,c.jpg\n", "'second_2', whose photos would be left out"),
        (b"a.jpg,b.jpg,1\n", "has no column 'first', what it has is 'a.jpg', 'b.jpg', '1'"),
        (b"first,second\n", "holds no rows"),
        (b"\n", "is empty"),
        (b"{}\n", "holds no rows"),
    ],
)
def test_a_batch_that_has_nothing_to_do(senseid: Senseid, data: bytes, said: str) -> None:
    done = senseid("batch", "-", stdin=data)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_standard_input_that_holds_no_rows(senseid: Senseid, photos: dict[str, Path]) -> None:
    done = senseid("batch", "-", stdin=photos["obama.jpg"].read_bytes())
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"senseid: stdin is a photo, and a list of files is needed: ")
    closed = ["sh", "-c", 'exec "$@" <&-', "sh", *senseid.command("batch", "-")]
    done = subprocess.run(closed, capture_output=True, env=senseid.environment(), check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"standard input is closed: pipe the rows in" in b" ".join(done.stderr.split())


def test_a_folder_of_one_photo(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(photos["obama.jpg"], tmp_path)
    done = senseid("batch", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"holds one photo, so there is nothing to compare it with" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.csv"], "gone.csv cannot be read"),
        (["README.md"], "has no column 'first'"),
        (["tests", "--task", "omni"], "needs a manifest"),
        (["README.md", "tests"], "it takes two folders"),
        (["docs", "nope"], "there is no folder nope"),
        (["README.md", "-o", "nowhere/x.csv"], "is in a folder that does not exist"),
        (["README.md", "-o", "x.txt"], "give a format"),
        (["README.md", "--resume"], "needs --out"),
        (["README.md", "-o", "x.csv", "--resume"], "was interrupted"),
        (["README.md", "-o", "x.csv", "--resume", "--force"], "exclude each other"),
        (["README.md", "--format", "parquet"], "needs a file"),
        (["README.md", "--format", "csv", "--json"], "writes NDJSON"),
        (["docs", "-o", "x.csv"], "holds no photo"),
        (["README.md", "--report", "x.html"], "it needs --out"),
        (["README.md", "-o", "README.md", "--format", "csv", "--force"], "is one of the inputs"),
        (["docs", "--task", "quality", "--check-liveness"], "not about quality"),
        (["docs", "--task", "liveness", "--single-face"], "not about liveness"),
        ([""], "an empty word names no file"),
    ],
)
def test_what_cannot_work_is_said_before_it_begins(senseid: Senseid, words: list[str], said: str) -> None:
    done = senseid("batch", *words, cwd=Path(__file__).resolve().parents[3])
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_what_must_not_be_overwritten(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(b"first,second\na.jpg,b.jpg\n")
    (tmp_path / "link.csv").hardlink_to(tmp_path / "pairs.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for out, said in (("link.csv", b"is one of the inputs"), ("pipe.csv", b"is no regular file")):
        done = senseid("batch", "pairs.csv", "-o", out, "--force", cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "pairs.csv --out b.jpg",
        "pairs.csv --out link/b.jpg",
        "pairs.csv --out scores.csv --report page.html",
        "album --out b.jpg",
        "album --task quality --out b.jpg",
        "clips.csv --task liveness --out clip.mp4",
        "other album --out b.jpg",
    ],
)
def test_what_is_read_is_not_overwritten_even_with_force(senseid: Senseid, tmp_path: Path, words: str) -> None:
    album = tmp_path / "album"
    album.mkdir()
    (tmp_path / "other").mkdir()
    (album / "link").symlink_to(album)
    for name in ("a.jpg", "b.jpg", "page.html", "clip.mp4", "../other/c.jpg"):
        (album / name).write_bytes(name.encode())
    (album / "pairs.csv").write_text("first,second\na.jpg,b.jpg\na.jpg,page.html\n,\n")
    (album / "clips.csv").write_text("video\nclip.mp4\n")
    first, *rest = words.split()
    given = [f"../{word}" if word in {"album", "other"} else word for word in (first, *rest)]
    before = {path.name: path.read_bytes() for path in album.iterdir() if path.is_file()}
    done = senseid("batch", *given, "--format", "csv", "--force", cwd=album)
    assert done.returncode == 2
    assert b"is one of the inputs" in b" ".join(done.stderr.split())
    assert {path.name: path.read_bytes() for path in album.iterdir() if path.is_file()} == before


def test_a_photo_in_the_column_of_videos(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"video,photo\n{photos['obama.jpg']},{photos['obama2.jpg']}\n")
    done = senseid("batch", tmp_path / "rows.csv", "--task", "verify")
    (record,) = records(done.stdout)
    assert (done.returncode, record["code"]) == (3, "2008")
    assert record["problem"].startswith("video: is a photo, and a video of 2 s or more is needed: ")
    assert "`--task compare`" in record["problem"]


def test_a_folder_that_was_deleted(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = senseid.command("batch", "pairs.csv")
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", tmp_path / "gone", *words],
        env=senseid.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        b"senseid: the current folder was deleted: change to one that exists",
    )
