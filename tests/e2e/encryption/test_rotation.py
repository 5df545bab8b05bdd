"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from senseid_crypto.key_folder import KeyFolder
from senseid_crypto.sealed import open_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid
from tests.e2e.encryption.conftest import key_of, seal


@pytest.mark.slow
def test_a_rotation_that_is_killed_goes_on(home: Senseid, tmp_path: Path) -> None:
    """Again and again, at whatever moment; at each, every container opens under a key that is known."""
    folder = tmp_path / "media"
    folder.mkdir()
    plain = {folder / f"{number}.senseid": os.urandom(3_000_000) for number in range(12)}
    old, note = key_of(home), home.home / "keys" / "default.rotation"
    for path, data in plain.items():
        path.write_bytes(seal(data, old))
    ended = []
    for pause in (0.0, 0.3, 0.5, 0.7, 0.9, 1.1, 60.0):
        with subprocess.Popen(
            home.command("key", "rotate", folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=home.environment(),
        ) as process:
            try:
                process.wait(timeout=pause)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            ended.append(process.returncode)
        known = KeyFolder(home.home / "keys")
        keys = [stored.load() for name in known.names() if (stored := known.read(name))]
        assert old.id in {key.id for key in keys}
        for path, data in plain.items():
            assert open_bytes(path.read_bytes(), keys) == data
        if ended[-1] == 0 or (key_of(home).id != old.id and not note.exists()):
            break  # all is done, if only just before the kill
    assert not note.exists()
    assert -signal.SIGKILL in ended
    new = key_of(home)
    assert new.id != old.id
    assert len(keys) == 2  # not one more key for every attempt
    assert {path.read_bytes()[13:21] for path in plain} == {new.raw_id}
    assert {path.suffix for path in folder.iterdir()} == {".senseid"}
    assert sorted(path.suffix for path in (home.home / "keys").iterdir()) == [".key", ".key"]
