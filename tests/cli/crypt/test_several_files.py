"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from senseid_cli.crypt import convert, file_jobs, run
from senseid_crypto.sealed import seal_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from tests.cli.crypt.conftest import Here

    Stdin = Callable[[BinaryIO | bytes], None]


def test_a_folder(here: Here) -> None:
    for name in ("photos/a.jpg", "photos/deep/er/b.jpg", "photos/c d.mp4"):
        here.path(name, name.encode())
    here.path("outside", b"x")
    here.path("photos/link").symlink_to(here.path("outside"))
    here.path("photos/loop").symlink_to(here.path("photos"))
    out, err = here("encrypt", "photos")
    assert "links in folders are not followed, 2 here, as photos/link" in err
    assert [line.split("\t")[1] for line in out] == ["photos/a.jpg", "photos/c d.mp4", "photos/deep/er/b.jpg"]
    assert here("encrypt", "photos", "--force")[0] == out  # what is encrypted already is not encrypted again
    here.path("away").mkdir()
    here("decrypt", "photos", "-o", "away")
    assert here.path("away/deep/er/b.jpg").read_bytes() == b"photos/deep/er/b.jpg"
    assert len([name for name in here.names() if name.startswith("away")]) == 3
    here.path("sealed").mkdir()
    here("encrypt", "photos", "--format", "wire", "-o", "sealed")
    here("decrypt", "sealed")
    assert here.path("sealed/deep/er/b.jpg").read_bytes() == b"photos/deep/er/b.jpg"


def test_a_container_under_another_name_goes_elsewhere(here: Here) -> None:
    here.path("photos/a.jpg", seal_bytes(b"hello", here.key, entropy=os.urandom))
    assert "say where it goes" in here("decrypt", "photos", status=2)[1]
    here.path("out").mkdir()
    here("decrypt", "photos", "-o", "out")
    assert here.path("out/a.jpg").read_bytes() == b"hello"


def test_what_cannot_be_read_counts_as_neither(here: Here) -> None:
    assert file_jobs.is_container(here.folder) is None
    assert file_jobs.is_container(here.path("a", b"x")) is False
    assert file_jobs.is_container(here.path("b", seal_bytes(b"", here.key, entropy=os.urandom))) is True


def test_patterns(here: Here) -> None:
    for name in ("a1.jpg", "a2.jpg", "b.jpg", "x/a3.jpg"):
        here.path(name, name.encode())
    assert len(here("encrypt", "a*.jpg")[0]) == 2
    assert len(here("encrypt", "**/a?.jpg", "a1.jpg", "--force")[0]) == 3
    assert "no such file" in here("encrypt", "none*", status=3)[1]


def test_one_broken_file_of_several(here: Here) -> None:
    for name in ("a", "b", "c"):
        here.path(name, name.encode())
    here("encrypt", "a", "b", "c", "--delete-source")
    here.path("b.senseid", here.path("b.senseid").read_bytes()[:-1])
    out, err = here("decrypt", "a.senseid", "b.senseid", "c.senseid", status=6)
    assert [line.split("\t")[2] for line in out] == ["a", "c"]
    assert err.startswith("senseid: b.senseid: does not decrypt")
    out, _ = here("decrypt", "a.senseid", "b.senseid", "none.senseid", "--force", "--json", status=6)
    assert [(body["code"], body["source"]) for body in map(json.loads, out)] == [
        (1000, "a.senseid"),
        (1200, "b.senseid"),
        (1200, "none.senseid"),
    ]


def test_a_bug_ends_the_run(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"x")
    here.path("b", b"x")

    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(convert, "encrypt_file", broken)
    _, err = here("encrypt", "a", "b", status=70)
    assert "secret" not in err


def test_files_that_would_meet(here: Here) -> None:
    for name in ("x/a", "y/a", "a", "a.senseid"):
        here.path(name, b"x")
    here.path("out").mkdir()
    assert "would both become out/a.senseid" in here("encrypt", "x/a", "y/a", "-o", "out", status=2)[1]
    assert "which is another of the files" in here("encrypt", "a", "a.senseid", "--force", status=2)[1]
    assert "would both become new/a.senseid" in here("encrypt", "x/a", "y/a", "-o", "new", status=2)[1]
    assert "a must be a folder" in here("encrypt", "x", "-o", "a", status=2)[1]
    assert "takes one file" in here("encrypt", "x/a", "a", "-o", "-", status=2)[1]
    assert here.names() == ["a", "a.senseid", "x/a", "y/a"]


def test_a_new_folder_is_made_and_not_that_above_it(here: Here) -> None:
    for name in ("x/deep/a.jpg", "x/b.jpg"):
        here.path(name, name.encode())
    here("encrypt", "x", "--out", "new")
    here("decrypt", "new", "--out", "back/")
    assert here.path("back/deep/a.jpg").read_bytes() == b"x/deep/a.jpg"
    here("encrypt", "x/b.jpg", "--out", "one/")
    assert "one/b.jpg.senseid" in here.names()
    assert "is in a folder that does not exist" in here("encrypt", "x", "--out", "not/mounted", status=2)[1]
    here.path("dangling").symlink_to("nowhere")
    assert "dangling must be a folder" in here("encrypt", "x", "--out", "dangling", status=2)[1]
    here.path("empty").mkdir()
    here("encrypt", "empty", "--out", "none")
    assert not here.path("none").exists()  # there was nothing to put there


def test_of_a_folder_only_photos_and_videos(here: Here) -> None:
    for name in ("x/a.JPG", "x/b.heic", "x/c.mp4", "x/notes.txt", "x/deep/Thumbs.db"):
        here.path(name, b"x")
    out, err = here("encrypt", "x")
    assert [line.split("\t")[1] for line in out] == ["x/a.JPG", "x/b.heic", "x/c.mp4"]
    assert err == "note: 2 files are no photos or videos by their names, as x/deep/Thumbs.db: --all takes them\n"
    assert len(here("encrypt", "x", "--all", "--force")[0]) == 5
    assert len(here("encrypt", "x/notes.txt", "x/deep/*.db", "--force")[0]) == 2  # named, whatever they are


def test_a_folder_that_cannot_be_made(here: Here) -> None:
    here.path("x/deep/a.jpg", b"x")
    here.path("out/deep", b"a file")
    assert "out/deep cannot be made" in here("encrypt", "x", "-o", "out", status=70)[1]


def test_what_a_killed_process_left_is_passed_over(here: Here) -> None:
    here.path("d/.senseid-abc", b"a half")
    assert here("encrypt", "d") == ([], "note: there is no file to be worked on\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_away_what_is_half_written(
    here: Here, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """And ends the process then. What it does to a real one: tests/e2e."""
    here.path("a", b"hello")
    sent = []
    monkeypatch.setattr(run.os, "kill", lambda _, number: sent.append((number, here.names())))
    monkeypatch.delattr(os, "O_TMPFILE")
    monkeypatch.setattr(convert, "_encrypted", lambda *_: (signal.raise_signal(number) for _ in "x"))
    before = signal.getsignal(number)
    try:
        signal.signal(number, signal.SIG_DFL)
        here("encrypt", "a")
        assert sent == [(number, ["a"])]
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """`nohup senseid encrypt ...`"""
    here.path("a", b"hello")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        real = convert.encrypt_file

        def hung_up(*rest: object) -> None:
            signal.raise_signal(signal.SIGHUP)
            real(*rest)  # type: ignore[arg-type]

        monkeypatch.setattr(convert, "encrypt_file", hung_up)
        here("encrypt", "a")
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert here.names() == ["a", "a.senseid"]


def test_an_empty_folder(here: Here) -> None:
    here.path("empty").mkdir()
    for command in (["encrypt"], ["decrypt"], ["key", "rotate"]):
        assert here(*command, "empty") == ([], "note: there is no file to be worked on\n")
