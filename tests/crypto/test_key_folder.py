"""The folder of keys."""

from __future__ import annotations

import os
import stat
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import key_folder
from senseid_crypto.errors import KeyFormatError, KeyStoreError
from senseid_crypto.key import generate_key
from senseid_crypto.key_folder import KeyFolder

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_crypto.key import Key

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "home" / "keys")


def test_an_absent_folder_has_no_keys(folder: KeyFolder) -> None:
    assert folder.names() == []
    assert folder.read("default") is None
    assert folder.switch_to_next("default") is None


def test_what_is_added_is_there(folder: KeyFolder, key: Key, other: Key) -> None:
    for name, each in (("work", other), ("default", key), ("a-1_b", key)):
        path = folder.add(name, each, NOW, in_keyring=False)
        assert path == folder.folder / f"{name}.key"
    assert folder.names() == ["default", "a-1_b", "work"]
    stored = folder.read("work")
    assert stored is not None
    assert (stored.name, stored.id, stored.in_keyring, stored.load().secret) == ("work", other.id, False, other.secret)
    assert other.secret.decode() not in repr(stored)


def test_only_the_owner_may_read_it(folder: KeyFolder, key: Key) -> None:
    mask = os.umask(0)
    try:
        path = folder.add("default", key, NOW, in_keyring=False)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_pipe_is_not_waited_for(folder: KeyFolder) -> None:
    folder.folder.mkdir(parents=True)
    os.mkfifo(folder.folder / "default.key")
    with pytest.raises(KeyStoreError, match=r"default\.key: cannot be read: it is not a regular file"):
        folder.read("default")


def test_a_key_is_never_overwritten(folder: KeyFolder, key: Key, other: Key) -> None:
    path = folder.add("default", key, NOW, in_keyring=False)
    before = path.read_bytes()
    with pytest.raises(KeyStoreError, match="never overwritten"):
        folder.add("default", other, NOW, in_keyring=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "-a", "a.b", "a b", "ä", "a" * 65, "a\n"])
def test_what_is_no_name(folder: KeyFolder, name: str, key: Key) -> None:
    with pytest.raises(KeyFormatError, match="no name of a key"):
        folder.add(name, key, NOW, in_keyring=False)


def test_a_name_leaves_room_for_an_id(folder: KeyFolder, key: Key) -> None:
    with pytest.raises(KeyFormatError, match="too long"):
        folder.add("a" * 41, key, NOW, in_keyring=False)
    folder.add("a" * 40, key, NOW, in_keyring=False)


def test_a_key_that_is_replaced_keeps_a_name_that_is_known(folder: KeyFolder, key: Key) -> None:
    with pytest.raises(KeyFormatError, match="too long"):
        folder.prepare_next("a" * 41, key, NOW, in_keyring=False)
    for _ in range(2):
        folder.prepare_next("a" * 40, generate_key(os.urandom), NOW, in_keyring=False)
        folder.switch_to_next("a" * 40)
    assert len(folder.names()) == 2


def test_a_link_to_nowhere_is_no_free_name(folder: KeyFolder, key: Key) -> None:
    folder.folder.mkdir(parents=True)
    folder.path("default").symlink_to("nowhere")
    with pytest.raises(KeyStoreError, match="never overwritten"):
        folder.add("default", key, NOW, in_keyring=False)


def test_other_files_are_passed_over(folder: KeyFolder, key: Key) -> None:
    folder.add("default", key, NOW, in_keyring=False)
    for name in ("notes.txt", ".hidden.key", "a b.key", "default.rotation", "default.next.key"):
        (folder.folder / name).touch()
    assert folder.names() == ["default"]


def test_a_broken_key_file_is_named(folder: KeyFolder, key: Key) -> None:
    path = folder.add("default", key, NOW, in_keyring=False)
    path.write_bytes(b"")
    with pytest.raises(KeyFormatError, match=rf"{path}: holds no key"):
        folder.read("default")


def test_a_key_file_that_is_a_folder(folder: KeyFolder) -> None:
    (folder.folder / "default.key").mkdir(parents=True)
    with pytest.raises(KeyStoreError, match="cannot be read: is a directory"):
        folder.read("default")


def test_a_folder_that_is_a_file(tmp_path: Path, key: Key) -> None:
    (tmp_path / "keys").touch()
    folder = KeyFolder(tmp_path / "keys")
    with pytest.raises(KeyStoreError, match="cannot be read: not a directory"):
        folder.names()
    with pytest.raises(KeyStoreError, match="cannot be written"):
        folder.add("default", key, NOW, in_keyring=False)


def test_a_failed_write_leaves_no_half_key(folder: KeyFolder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_folder.os, "fsync", full)
    with pytest.raises(KeyStoreError, match="no space left on device"):
        folder.add("default", key, NOW, in_keyring=False)
    assert list(folder.folder.iterdir()) == []


def test_a_folder_that_may_not_be_searched(folder: KeyFolder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("stat", "lstat", "open", "unlink"):
        monkeypatch.setattr(key_folder.os, name, refuses)
    with pytest.raises(KeyStoreError, match="cannot be written: permission denied"):
        folder.add("default", key, NOW, in_keyring=False)


def test_a_half_key_that_cannot_be_taken_away(folder: KeyFolder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.folder.mkdir(parents=True)
    (folder.folder / "default.next.key").write_bytes(b"SENSEID_KEY_I")

    def refuses(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(key_folder.os, "unlink", refuses)
    with pytest.raises(KeyStoreError, match="cannot be written: permission denied"):
        folder.prepare_next("default", key, NOW, in_keyring=False)


# Replacing a key.


def test_a_key_is_replaced_and_stays_known(folder: KeyFolder, key: Key, other: Key) -> None:
    folder.add("default", key, NOW, in_keyring=False)
    assert folder.prepare_next("default", other, NOW, in_keyring=False).id == other.id
    assert folder.names() == ["default"]
    retired = folder.switch_to_next("default")
    assert retired == folder.folder / f"default-{key.id}.key"
    assert folder.names() == ["default", f"default-{key.id}"]
    assert [folder.read(name).load().secret for name in folder.names()] == [other.secret, key.secret]  # type: ignore[union-attr]
    assert folder.switch_to_next("default") is None


def test_a_first_key_replaces_nothing(folder: KeyFolder, key: Key) -> None:
    folder.prepare_next("default", key, NOW, in_keyring=False)
    assert folder.switch_to_next("default") is None
    assert folder.names() == ["default"]


def test_an_interrupted_preparation_is_taken_up(folder: KeyFolder, key: Key, other: Key) -> None:
    folder.prepare_next("default", key, NOW, in_keyring=False)
    assert folder.prepare_next("default", other, NOW, in_keyring=False).id == key.id
    (folder.folder / "default.next.key").write_bytes(b"SENSEID_KEY_I")
    assert folder.prepare_next("default", other, NOW, in_keyring=False).id == other.id


def test_an_interrupted_switch_is_taken_up(folder: KeyFolder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.add("default", key, NOW, in_keyring=False)
    new = folder.prepare_next("default", generate_key(os.urandom), NOW, in_keyring=False)

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(type(folder.folder), "replace", fails)
        with pytest.raises(KeyStoreError, match="input/output error"):
            folder.switch_to_next("default")
    folder.switch_to_next("default")
    assert [folder.read(name).id for name in folder.names()] == [new.id, key.id]  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
def test_an_error_without_a_reason(folder: KeyFolder, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError

    monkeypatch.setattr(key_folder.os, "fsync", fails)
    with pytest.raises(KeyStoreError, match="unknown reason"):
        folder.add("default", key, NOW, in_keyring=False)
