"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from senseid import output_file
from senseid.errors import OutputError, RefusedError
from senseid.output_file import new_file, sync

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def write(path: Path, data: bytes, *, overwrite: bool = False, then: object = None) -> None:
    """Write a file; `then` is called, or raised, before its end."""
    with new_file(path, overwrite=overwrite) as file:
        file.write(data)
        if isinstance(then, type):
            raise then
        if callable(then):
            then()


@pytest.fixture(params=["without a name", "with a name"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where drafts have no name, as on Linux, and one where they have, as elsewhere."""
    if request.param == "with a name":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no files without a name")
    return tmp_path


def test_it_appears_at_the_end(folder: Path) -> None:
    path = folder / "out"
    with new_file(path, overwrite=False) as file:
        file.write(b"data")
        assert not path.exists()
    assert path.read_bytes() == b"data"
    assert names(folder) == ["out"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name are Linux's")
def test_it_has_no_name_before(tmp_path: Path) -> None:
    with new_file(tmp_path / "out", overwrite=False) as file:
        file.write(bytes(100_000))
        sync(file)
        assert names(tmp_path) == []


def test_a_draft_with_a_name_is_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with new_file(tmp_path / "out", overwrite=False):
        (draft,) = tmp_path.iterdir()
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_an_error_leaves_nothing(folder: Path, error: type[BaseException]) -> None:
    with pytest.raises((error, OutputError)):
        write(folder / "out", b"data", then=error)
    assert names(folder) == []


def test_an_old_file_is_kept_or_replaced_whole(folder: Path) -> None:
    path = folder / "out"
    path.write_bytes(b"old")
    with pytest.raises(RefusedError, match="there is a file of that name"), new_file(path, overwrite=False) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    with new_file(path, overwrite=True) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(folder) == ["out"]


def test_a_file_that_came_up_meanwhile_is_kept(folder: Path) -> None:
    path = folder / "out"
    with pytest.raises(RefusedError, match="that name"):
        write(path, b"new", then=lambda: path.write_bytes(b"another program's"))
    assert path.read_bytes() == b"another program's"


def test_two_processes_that_replace_one_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "out"
    path.write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(output_file, "_link", lambda *_: (_ for _ in ()).throw(FileExistsError))
        with pytest.raises(OutputError, match="out cannot be written: another process is writing it"):
            write(path, b"new", overwrite=True)
    assert path.read_bytes() == b"old"


def test_what_a_killed_process_left_is_taken_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(type(folder), "replace", killed)
        patch.setattr(type(folder), "unlink", lambda *_, **__: None)
        with pytest.raises(KilledError):
            write(folder / "out", b"one", overwrite=True)
    assert folder / "out" not in list(folder.iterdir())
    write(folder / "out", b"two", overwrite=True)
    assert (folder / "out").read_bytes() == b"two"
    assert len(names(folder)) == 1 + (not hasattr(os, "O_TMPFILE"))


def test_a_link_is_replaced_not_followed(folder: Path) -> None:
    (folder / "target").write_bytes(b"target")
    (folder / "out").symlink_to(folder / "target")
    with new_file(folder / "out", overwrite=True) as file:
        file.write(b"new")
    assert (folder / "target").read_bytes() == b"target"
    assert not (folder / "out").is_symlink()


def test_permissions_and_times_of_another_file(folder: Path) -> None:
    like = folder / "like"
    like.touch()
    like.chmod(0o640)
    os.utime(like, ns=(1_600_000_000_123_456_789, 1_500_000_000_987_654_321))
    with new_file(folder / "out", overwrite=False, like=like.stat()) as file:
        file.write(b"data")
    facts = (folder / "out").stat()
    assert stat.S_IMODE(facts.st_mode) == 0o640
    assert (facts.st_mtime_ns, facts.st_size) == (1_500_000_000_987_654_321, 4)


def test_no_more_than_permissions_are_taken_over(folder: Path) -> None:
    like = folder / "like"
    like.touch()
    like.chmod(0o4755)
    with new_file(folder / "out", overwrite=False, like=like.stat()):
        pass
    assert stat.S_IMODE((folder / "out").stat().st_mode) == 0o755


def test_what_cannot_be_written(folder: Path) -> None:
    with pytest.raises(OutputError, match="no such file or directory"), new_file(folder / "none" / "x", overwrite=True):
        pass
    (folder / "out").mkdir()
    with pytest.raises(OutputError, match="is a directory"), new_file(folder / "out", overwrite=True) as file:
        file.write(b"data")
    assert names(folder) == ["out"]


def test_it_reads_back(folder: Path) -> None:
    with new_file(folder / "out", overwrite=False) as file:
        file.write(b"data")
        sync(file)
        file.seek(0)
        assert file.read() == b"data"


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(output_file.os, "link", refuses)
    path = tmp_path / "out"
    with new_file(path, overwrite=False) as file:
        file.write(b"data")
    with new_file(path, overwrite=True) as file:
        file.write(b"more")
    assert path.read_bytes() == b"more"
    with pytest.raises(OutputError), new_file(path, overwrite=False):
        pass
    assert names(tmp_path) == ["out"]


def test_a_system_that_refuses_files_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuses(path: str, flags: int, *rest: int) -> int:
        if flags & getattr(os, "O_TMPFILE", 0) == getattr(os, "O_TMPFILE", -1):
            raise OSError(95, "Operation not supported")
        return real(path, flags, *rest)

    monkeypatch.setattr(output_file.os, "open", refuses)
    with new_file(tmp_path / "out", overwrite=False) as file:
        file.write(b"data")
    assert names(tmp_path) == ["out"]
