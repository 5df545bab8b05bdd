"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid_cli.crypt import convert

if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, Here


@pytest.mark.parametrize("form", ["container", "wire"])
def test_the_source_goes_when_the_result_is_sure(here: Here, form: str) -> None:
    here.path("a", BIG)
    here("encrypt", "a", "--format", form, "--delete-source")
    (sealed,) = here.names()
    here("decrypt", sealed, "--delete-source")
    assert here.names() == ["a"]
    assert here.path("a").read_bytes() == BIG


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
def test_a_disk_that_forgets(here: Here, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    here.path("a", BIG)
    here("encrypt", "a")
    before = here.names()
    real = convert.sync

    def forgets(file: io.BufferedRandom) -> None:
        real(file)
        file.seek(150_000)
        file.write(b"\0\0\0\0")

    monkeypatch.setattr(convert, "sync", forgets)
    word = "a" if command == "encrypt" else "a.senseid"
    _, err = here(command, word, "-o", "new", "--delete-source", status=6 if command == "encrypt" else 70)
    assert "does not" in err
    assert here.names() == before


def test_a_source_that_changes_meanwhile_is_kept(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = here.path("a", BIG), convert.sync

    def changing(file: io.BufferedRandom) -> None:
        real(file)
        path.write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))

    with monkeypatch.context() as patch:
        patch.setattr(convert, "sync", changing)
        assert "source changed meanwhile" in here("encrypt", "a", "--delete-source", status=70)[1]
    assert here.names() == ["a"]

    def exchanging(file: io.BufferedRandom) -> None:
        real(file)
        path.rename(path.with_name("b"))
        path.write_bytes(b"another")

    monkeypatch.setattr(convert, "sync", exchanging)
    assert "was exchanged or changed meanwhile, and is kept" in here("encrypt", "a", "--delete-source", status=70)[1]
    assert path.read_bytes() == b"another"


def test_a_source_that_cannot_be_deleted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several: the others are done."""
    here.path("a", b"hello")
    here.path("b", b"hello")
    real = type(here.folder).unlink

    def refuses(path: Path, **options: bool) -> None:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        real(path, **options)

    monkeypatch.setattr(type(here.folder), "unlink", refuses)
    _, err = here("encrypt", "a", "b", "--delete-source", status=70)
    assert err.startswith("senseid: a cannot be deleted: permission denied: ")
    assert here.names() == ["a", "a.senseid", "b.senseid"]


def test_the_name_of_the_result_is_sure_before_the_source_goes(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    here.path("out").mkdir()
    seen = []
    monkeypatch.setattr(convert, "sync_folder", lambda folder: seen.append((str(folder), here.names())))
    here("encrypt", "a", "--out", "out", "--delete-source")
    assert seen == [("out", ["a", "out/a.senseid"])]


def test_content_with_a_second_name_is_kept(here: Here) -> None:
    path = here.path("a", b"hello")
    here.path("symbolic").symlink_to(path)
    assert "has another name too" in here("encrypt", "symbolic", "--delete-source", status=2)[1]
    here.path("hard").hardlink_to(path)
    assert "has another name too" in here("encrypt", "a", "--delete-source", status=2)[1]
    assert here.names() == ["a", "hard", "symbolic"]
