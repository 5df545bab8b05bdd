from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from senseid_licensing.document import MAX_BYTES
from senseid_licensing.errors import LicenceMissingError, StorageError, UnreadableError
from senseid_licensing.files import SECRET, append_line, read_file, write_file


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "läuft 日本.lic"
    path.write_bytes(b"x")
    assert read_file(path, "licence") == b"x"
    path.write_bytes(b"x" * (MAX_BYTES * 3))
    assert len(read_file(path, "licence")) == MAX_BYTES + 1
    with pytest.raises(LicenceMissingError, match="there is no such licence") as caught:
        read_file(tmp_path / "none", "licence")
    assert (caught.value.stid, caught.value.stid.text) == (-7, "STID_E_FILE_NOT_FOUND")
    with pytest.raises(UnreadableError, match="cannot be read: Is a directory") as refused:
        read_file(tmp_path, "licence")
    assert (refused.value.stid, refused.value.stid.text) == (-13, "STID_E_INVALID_AUTH")
    with pytest.raises(UnreadableError):
        read_file(path / "below", "licence")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its file system")
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UnreadableError, match="cannot be read: it is not a regular file"):
        read_file(path, "licence")
    with pytest.raises(StorageError, match="cannot be written"):
        append_line(path, b"1")
    reading, writing = os.pipe()
    os.write(writing, b"phrase\n")
    os.close(writing)
    assert read_file(Path(f"/dev/fd/{reading}"), "passphrase file", pipe=True) == b"phrase\n"
    os.close(reading)


@pytest.mark.parametrize("links", [True, False])
def test_without_overwriting_a_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool) -> None:
    def none(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", none)
    path = tmp_path / "file"
    assert write_file(path, b"one", SECRET, overwrite=False)
    assert not write_file(path, b"two", SECRET, overwrite=False)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"one", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces_all_at_once_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_secret_is_its_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_file(tmp_path / "key", b"s", SECRET)
        append_line(tmp_path / "log", b"1")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="cannot be written: No space left") as caught:
        write_file(path, b"new")
    assert (caught.value.stid, caught.value.stid.text) == (-4, "STID_E_FAIL")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    """A named pipe here; to root, /dev/null would be gone as easily."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for taken in (path, tmp_path):
        with pytest.raises(StorageError, match="something that is no file"):
            write_file(taken, b"new")
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="/file is no folder"):
        write_file(tmp_path / "file" / "a", b"new")


def test_an_interrupt_leaves_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_lines_are_only_ever_added(tmp_path: Path) -> None:
    for line in (b"1", b"2"):
        append_line(tmp_path / "folder" / "log", line)
    assert (tmp_path / "folder" / "log").read_bytes() == b"1\n2\n"
    with pytest.raises(StorageError, match="cannot be written"):
        append_line(tmp_path / "folder", b"3")
