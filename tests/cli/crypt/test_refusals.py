"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from senseid_cli import app as cli
from senseid_cli.crypt import file_jobs, rotation
from senseid_crypto.sealed import open_bytes, seal_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, Here


def test_nothing_is_overwritten_without_force(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid", b"old")
    _, err = here("encrypt", "a", status=2)
    assert err.startswith("senseid: a.senseid is there already; --force overwrites it: ")
    assert here.path("a.senseid").read_bytes() == b"old"
    here("encrypt", "a", "--force")
    assert open_bytes(here.path("a.senseid").read_bytes(), [here.key]) == b"hello"


def test_a_folder_that_was_encrypted_before_is_refused_with_one_line(here: Here) -> None:
    for name in ("f/x.jpg", "f/y.jpg"):
        here.path(name, name.encode())
    here("encrypt", "f")
    (line,) = here("encrypt", "f", status=2)[1].splitlines()
    assert line.startswith("senseid: f: 2 of 2 files are encrypted already, such as f/x.jpg.senseid: --update does")
    whole = here.path("f/y.jpg.senseid").read_bytes()
    for content in (b"", b"text", whole[:-1], whole[:50]):
        here.path("f/y.jpg.senseid", content)
        (line,) = here("encrypt", "f", status=2)[1].splitlines()
        assert line.startswith(
            "senseid: f: 1 of 2 files would replace one that is no container of them as they are now,"
        )
        assert "such as f/y.jpg.senseid: --update replaces" in line
        assert here.path("f/y.jpg.senseid").read_bytes() == content


def test_what_is_encrypted_already_is_not_encrypted_again(here: Here) -> None:
    """As a pattern names it, whose other files are done."""
    here.path("a.jpg", b"hello")
    here("encrypt", "a.jpg")
    here.path("b.jpg", b"hello")
    out, err = here("encrypt", "b.jpg", "a.jpg.senseid", "--delete-source", status=2)
    assert [line.split("\t")[1] for line in out] == ["b.jpg"]
    assert err.startswith("senseid: a.jpg.senseid is encrypted already: there is nothing to do; ")
    assert here.names() == ["a.jpg", "a.jpg.senseid", "b.jpg.senseid"]


def test_one_path_for_both(here: Here) -> None:
    photo = here.path("a", b"hello")
    here.path("symbolic").symlink_to(photo)
    here.path("hard").hardlink_to(photo)
    for out in ("a", "./a", "../work/a", "symbolic", "hard", str(photo)):
        _, err = here("encrypt", "a", "--out", out, "--force", status=2)
        assert "is one of the inputs" in err
    assert "is one of the inputs" in here("encrypt", "symbolic", "-o", "a", "--force", status=2)[1]
    assert photo.read_bytes() == b"hello"
    here("encrypt", "a")
    assert "is one of the inputs" in here("decrypt", "a.senseid", "-o", "a.senseid", "--force", status=2)[1]


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_standard_output_into_the_file_that_is_read(here: Here, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """`senseid encrypt a --out - >> a` would read what it writes, until the disk is full."""
    before = {}
    for name, data in (("a", BIG * 10), ("a.senseid", seal_bytes(BIG, here.key, entropy=os.urandom))):
        before[here.path(name, data)] = data
    for command, path in zip(("encrypt", "decrypt"), before, strict=True):
        with path.open(mode) as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(file))
            assert cli.run([command, str(path), "--out", "-"]) == 2
            sys.stdout.detach()
    assert {path: path.read_bytes() for path in before} == before
    assert "is the file that standard output goes to" in here._capture.readouterr().err


def test_standard_output_into_another_file(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    with here.path("b").open("wb") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(file, write_through=True))
        assert cli.run(["encrypt", "a", "--out", "-"]) == 0
        sys.stdout.detach()
    assert open_bytes(here.path("b").read_bytes(), [here.key]) == b"hello"


def test_standard_input_from_the_file_that_is_written(here: Here, stdin: Stdin) -> None:
    path = here.path("a", b"hello")
    for command in ("encrypt", "decrypt"):
        stdin(path.open("rb"))
        assert "is one of the inputs" in here(command, "-", "--out", "a", "--force", status=2)[1]
    assert path.read_bytes() == b"hello"


def test_an_empty_word_is_no_folder(here: Here) -> None:
    """`--delete-source "$UNSET"` would encrypt all of the current folder."""
    here.path("a", b"hello")
    here.path("b.senseid", seal_bytes(b"hello", here.key, entropy=os.urandom))
    commands = (["encrypt", ""], ["decrypt", ""], ["encrypt", "a", ""], ["encrypt", "a", "--out", ""])
    for words in (*commands, ["key", "rotate", ""]):
        assert "an empty word names no file" in here(*words, status=2)[1]
    assert here.names() == ["a", "b.senseid"]


def test_an_output_folder_in_no_folder(here: Here) -> None:
    here.path("a", b"hello")
    assert "no/new is in a folder that does not exist" in here("encrypt", "a", "--out", "no/new/", status=2)[1]
    assert here.names() == ["a"]


def test_a_file_that_is_called_as_standard_input_is(here: Here) -> None:
    for words in (["."], ["*"], ["./-"]):
        here.path("-", b"hello")
        out, _ = here("encrypt", *words, "--all", "--delete-source")
        assert [line.split("\t")[2] for line in out] == ["-.senseid"]
        here("decrypt", ".", "--delete-source")
        assert here.path("-").read_bytes() == b"hello"
    here.path("-", seal_bytes(b"hello", here.key, entropy=os.urandom))
    assert len(here("key", "rotate", ".")[0]) == 1
    assert open_bytes(here.path("-").read_bytes(), [here.key]) == b"hello"


def test_a_folder_that_may_not_be_looked_into(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names may be read, and no more: each file is told."""
    here.path("d/a", b"hello")
    here.path("d/b.senseid", b"hello")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(type(here.folder), "stat", refused)
        patch.setattr(type(here.folder), "lstat", refused)
        patch.setattr(type(here.folder), "open", refused)
        assert [str(path) for path in file_jobs.walk(here.path("d"))] == [
            str(here.path("d") / n) for n in ("a", "b.senseid")
        ]
        assert [job.size for job in rotation.containers([here.path("d")])] == [0, 0]
    # What cannot be read is meant by whoever encrypts, and by whoever decrypts if its name says so.
    with monkeypatch.context() as patch:
        patch.setattr(file_jobs, "is_container", lambda _: None)
        assert len(file_jobs.make_plan(["d"], None, file_jobs.Direction.ENCRYPT, ".senseid").jobs) == 2
        found = file_jobs.make_plan(["d"], None, file_jobs.Direction.DECRYPT, "").jobs
        assert [job.source for job in found] == ["d/b.senseid"]
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    assert ".: permission denied: make the folder readable" in here("encrypt", ".", status=3)[1]


def test_a_current_folder_that_was_deleted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("gone").mkdir()
    monkeypatch.chdir("gone")
    here.path("gone").rmdir()
    for words in (["encrypt", "a"], ["decrypt", "."], ["key", "rotate", "."]):
        assert here(*words, status=2)[1].startswith("senseid: the current folder was deleted: ")


def test_a_dangling_link_as_output(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid").symlink_to("nowhere")
    assert "is there already" in here("encrypt", "a", status=2)[1]
    here("encrypt", "a", "--force")
    assert here.names() == ["a", "a.senseid"]


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        ("none/x", "is in a folder that does not exist"),
        ("pipe", "is no regular file"),
        ("x" * 300, "file name too long"),
    ],
)
def test_outputs_of_no_use(here: Here, out: str, problem: str) -> None:
    here.path("a", b"hello")
    os.mkfifo(here.path("pipe"))
    assert problem in here("encrypt", "a", "--out", out, "--force", status=2)[1]


def test_a_folder_is_not_replaced(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid").mkdir()
    assert "a.senseid is a folder" in here("encrypt", "a", "--force", status=2)[1]


def test_no_device_is_replaced(here: Here) -> None:
    here.path("a", b"hello")
    assert "/dev/null is no regular file" in here("encrypt", "a", "--out", "/dev/null", "--force", status=2)[1]


def test_a_name_that_says_nothing(here: Here) -> None:
    for name in ("sealed", ".senseid", "a.jpg"):
        here.path(name, seal_bytes(b"hello", here.key, entropy=os.urandom))
        assert "say where it goes with --out" in here("decrypt", name, status=2)[1]


def test_sources_that_cannot_be_read(here: Here) -> None:
    os.mkfifo(here.path("pipe"))
    assert "no such file" in here("encrypt", "none", status=3)[1]
    assert "not a regular file" in here("encrypt", "pipe", status=3)[1]
    assert here.names() == []
