"""Reading photos for the command line, and writing pictures."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Pillow

from senseid_cli import media
from senseid_cli.exits import OutputError
from senseid_engine.errors import ContentLengthError, ImageTypeError, MediaNotFoundError, MediaUnreadableError
from senseid_engine.image import MAX_BYTES


@pytest.fixture
def png() -> bytes:
    data = io.BytesIO()
    Pillow.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(40, 48, 3)).save(data, "PNG")
    return data.getvalue()


class Stdin:
    """Standard input that counts what is read from it."""

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        self.buffer = io.BytesIO(data)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_a_file(tmp_path: Path, png: bytes) -> None:
    path = tmp_path / "日本 ü, 'x'.png"
    path.write_bytes(png)
    photo = media.read_photo(str(path))
    assert (photo.width, photo.height, photo.name) == (48, 40, str(path))


def test_stdin(monkeypatch: pytest.MonkeyPatch, png: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(png))
    photo = media.read_photo("-")
    assert (photo.width, photo.name) == (48, "stdin")


def test_stdin_is_read_no_further_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = Stdin(bytes(MAX_BYTES + 1000))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(ContentLengthError, match="stdin: is over"):
        media.read_photo("-")
    assert stdin.buffer.tell() == MAX_BYTES + 1


def test_empty_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    with pytest.raises(ImageTypeError, match="stdin: is empty"):
        media.read_photo("-")


@pytest.mark.parametrize("stdin", [None, Stdin(b"", terminal=True)], ids=["closed", "terminal"])
def test_stdin_without_a_photo(monkeypatch: pytest.MonkeyPatch, stdin: Stdin | None) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(MediaUnreadableError, match="pipe one in"):
        media.read_photo("-")


def test_stdin_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Failing())))
    with pytest.raises(MediaUnreadableError, match="input/output error"):
        media.read_photo("-")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError):
        media.read_photo(str(tmp_path / "none.jpg"))


def test_only_one_photo_comes_from_stdin() -> None:
    media.check_sources("-", "a.jpg")
    media.check_sources("a.jpg", "-")
    media.check_sources("a.jpg", "a.jpg")
    with pytest.raises(typer.BadParameter, match="cannot both"):
        media.check_sources("-", "-")


def test_a_picture_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.PNG"
    media.check_output(out, sources=("a.jpg", "-"), force=False)
    media.write_output(out, b"data")
    assert out.read_bytes() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["out.PNG"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


def test_a_file_is_overwritten_with_force_only(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"old")
    with pytest.raises(typer.BadParameter, match="--force"):
        media.check_output(out, sources=(), force=False)
    media.check_output(out, sources=(), force=True)
    media.write_output(out, b"new")
    assert out.read_bytes() == b"new"


def test_a_photo_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"photo")
    link = tmp_path / "link.png"
    link.symlink_to(photo)
    for out in (photo, link):
        with pytest.raises(typer.BadParameter, match="one of the photos"):
            media.check_output(out, sources=("missing.jpg", str(photo)), force=True)


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        ("out.jpg", "does not end in .png"),
        ("none/out.png", "folder that does not exist"),
        ("folder.png", "is a folder"),
    ],
)
def test_what_is_refused(tmp_path: Path, out: str, problem: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(typer.BadParameter, match=problem):
        media.check_output(tmp_path / out, sources=(), force=True)


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="file name too long"):
        media.check_output(tmp_path / f"{'x' * 300}.png", sources=(), force=True)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        media.write_output(tmp_path / "none" / "out.png", b"data")
    (tmp_path / "out.png").mkdir()  # a rename onto a folder fails after the data was written
    with pytest.raises(OutputError, match="is a directory"):
        media.write_output(tmp_path / "out.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "chmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        media.write_output(tmp_path / "out.png", b"data")
    assert list(tmp_path.iterdir()) == []
