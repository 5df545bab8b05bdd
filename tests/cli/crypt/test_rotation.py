"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from senseid import installation
from senseid_cli.crypt import convert
from senseid_crypto.key_folder import KeyFolder
from senseid_crypto.sealed import open_bytes

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key_file import KeyFile

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import GOLDEN, Here


def rotated(here: Here) -> list[Path]:
    for name in ("photos/a", "photos/deep/b", "photos/c"):
        here.path(name, name.encode() * 30_000)
    here("encrypt", "photos", "--all", "--delete-source")
    here.path("photos/text.b64", GOLDEN)
    here.path("photos/plain", b"plain")
    return [here.path(f"photos/{name}.senseid") for name in ("a", "c", "deep/b")]


def key_ids(paths: Sequence[Path]) -> set[str]:
    return {path.read_bytes()[13:21].hex() for path in paths}


def test_rotate(here: Here) -> None:
    paths, old = rotated(here), here.key
    paths[0].chmod(0o600)
    os.utime(paths[0], ns=(10**18, 10**18))
    out, err = here("key", "rotate", "photos")
    new = here.key
    assert new.id != old.id
    assert out == [f"re-encrypted\tphotos/{path.relative_to(here.path('photos'))}\t{new.id}" for path in paths]
    assert err == ""
    assert key_ids(paths) == {new.id}
    assert open_bytes(paths[2].read_bytes(), [new]) == b"photos/deep/b" * 30_000
    assert (stat.S_IMODE(paths[0].stat().st_mode), paths[0].stat().st_mtime_ns) == (0o600, 10**18)
    assert here.path("photos/text.b64").read_bytes() == GOLDEN
    assert [key.id for key in installation.key_sources()] == [new.id, old.id]
    assert sorted(path.name for path in (here.home / "keys").iterdir()) == [f"default-{old.id}.key", "default.key"]
    here("key", "rotate", "photos", "--json")
    assert key_ids(paths) == {here.key.id} != {new.id}


def test_a_first_key_by_rotation(bare: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k")
    bare.path("d/a", b"x")
    bare("encrypt", "d", "--all", "--delete-source")
    bare("key", "rotate", "d")
    monkeypatch.delenv("PARAM_DECRYPT_KEY")
    bare("decrypt", "d")
    assert bare.path("d/a").read_bytes() == b"x"


def test_an_interrupted_rotation_goes_on(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, old, real = rotated(here), here.key, convert.reencrypt_file
    done: list[Path] = []

    def interrupted(path: Path, *rest: object) -> bool:
        if done:
            raise KeyboardInterrupt
        done.append(path)
        return real(path, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(convert, "reencrypt_file", interrupted)
        here("key", "rotate", "photos", status=130)
    new = here.key
    assert key_ids(paths) == {old.id, new.id}
    assert here("encrypt", "photos/plain", "-o", "x")[0][0].endswith(new.id)
    here.path("elsewhere").mkdir()
    _, err = here("key", "rotate", "elsewhere", status=2)
    assert "is not complete" in err
    out, _ = here("key", "rotate", "photos")
    assert len(out) == 2  # the one that was done is not done again
    assert here.key.id == new.id
    assert key_ids(paths) == {new.id}
    here("key", "rotate", "elsewhere")
    assert here.key.id != new.id


@pytest.mark.parametrize("other", ["made its key anew", "noted its folders", "has the key by now"])
def test_two_rotations_at_the_same_time(here: Here, monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    paths, old, real = rotated(here), here.key, KeyFolder.prepare_next
    keys = here.home / "keys"
    note = json.dumps({"format": "senseid-rotation/1", "folders": [str(here.path("photos").resolve())]})

    def prepare_next(self: KeyFolder, *words: Any, **options: Any) -> KeyFile:
        found = real(self, *words, **options)
        if other == "made its key anew":
            (keys / "default.next.key").unlink()
        elif other == "noted its folders":
            (keys / "default.rotation").write_text(note)
        else:
            raise FileNotFoundError
        return found

    with monkeypatch.context() as patch:
        patch.setattr(KeyFolder, "prepare_next", prepare_next)
        assert "another rotation of this key was begun at the same" in here("key", "rotate", "photos", status=2)[1]
    assert key_ids(paths) == {old.id} == {here.key.id}
    here("key", "rotate", "photos")
    assert key_ids(paths) == {here.key.id} != {old.id}


def test_a_container_that_cannot_be_read_holds_the_rotation_open(here: Here) -> None:
    paths = rotated(here)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:-1])
    out, err = here("key", "rotate", "photos", status=6)
    assert len(out) == 2
    assert "c.senseid: does not decrypt" in err
    assert "run the same command again" in err
    assert paths[1].read_bytes() == whole[:-1]
    paths[1].write_bytes(whole)
    out, _ = here("key", "rotate", "photos")
    assert len(out) == 1
    assert key_ids(paths) == {here.key.id}


def test_a_disk_that_forgets_keeps_the_old_container(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, old = rotated(here), here.key
    real = convert.sync

    def forgets(file: io.BufferedRandom) -> None:
        real(file)
        file.seek(200)
        file.write(b"\0\0\0\0")

    monkeypatch.setattr(convert, "sync", forgets)
    here("key", "rotate", "photos", status=6)
    assert key_ids(paths) == {old.id}


def test_a_mistyped_key_is_not_made_by_rotating_to_it(here: Here) -> None:
    paths = rotated(here)
    before = [path.read_bytes() for path in paths]
    _, err = here("key", "rotate", "photos", "--key", "defualt", status=6)
    assert "there is no key of that name" in err
    assert [path.read_bytes() for path in paths] == before
    assert "defualt" not in here("key", "list")[0]


def test_what_cannot_be_rotated(here: Here) -> None:
    here.path("file", b"x")
    assert "file is no folder" in here("key", "rotate", "file", status=2)[1]
    assert "none is no folder" in here("key", "rotate", "none", status=2)[1]
    note = here.home / "keys" / "default.rotation"
    here.path("d").mkdir()
    for broken in (b"", b"[]", b"{}", b'{"folders": 1}', b"\xff"):
        note.write_bytes(broken)
        assert "delete it, and begin again" in here("key", "rotate", "d", status=2)[1]
    note.unlink()
    note.mkdir()
    assert "default.rotation cannot be read: is a directory" in here("key", "rotate", "d", status=2)[1]
    note.rmdir()
    note.write_text(json.dumps({"format": "senseid-rotation/1", "folders": [str(here.path("d"))]}))
    (here.home / "keys" / "default.key").unlink()
    assert "is gone" in here("key", "rotate", "d", status=2)[1]


def test_keys_are_made_now(here: Here) -> None:
    created = here("key", "list")[0][0].split("\t")[2]
    age = datetime.now(UTC) - datetime.fromisoformat(created)
    assert 0 <= age.total_seconds() < 60
