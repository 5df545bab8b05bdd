"""Fixtures and helpers of these tests."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire
from senseid_crypto.key import Key, parse_key
from senseid_crypto.key_folder import KeyFolder
from senseid_crypto.sealed import seal_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

SECRET, IV = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5"


KEY = parse_key(SECRET, IV)


ENVIRONMENT = {"PARAM_DECRYPT_KEY": SECRET, "PARAM_DECRYPT_IV": IV}


# A plaintext that is found wherever it is.
MARK = b"the plaintext of a face "


PLAIN = MARK * 100_000


LONG = MARK * 1_000_000


SIZE = 8 * 1024 * 1024


@pytest.fixture
def home(senseid: Senseid, tmp_path: Path) -> Senseid:
    """Licensed, with a key of its own, and with nothing else that this test has not put there."""
    shutil.copytree(senseid.home, tmp_path / "home")
    home = type(senseid)(tmp_path / "home")
    assert home("key", "generate").returncode == 0
    return home


def key_of(home: Senseid) -> Key:
    stored = KeyFolder(home.home / "keys").read("default")
    assert stored is not None
    return stored.load()


def seal(data: bytes, key: Key = KEY) -> bytes:
    return seal_bytes(data, key, entropy=os.urandom)


@pytest.fixture(scope="module")
def pair(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Two photos of one person, plain and in both formats, under names that say nothing."""
    folder = tmp_path_factory.mktemp("pair")
    plain = photos["obama.jpg"], photos["obama2.jpg"]
    made = {"plain": plain}
    for form, encrypt in (("container", seal), ("wire", lambda data: wire.encrypt_bytes(data, KEY) + b"\n")):
        paths = [folder / f"{form}{number}.jpg" for number in (1, 2)]
        for path, source in zip(paths, plain, strict=True):
            path.write_bytes(encrypt(source.read_bytes()))
        made[form] = (paths[0], paths[1])
    return made


def holding(folder: Path, *needles: bytes) -> list[Path]:
    """The files below a folder that hold one of these."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(needle in path.read_bytes() for needle in needles)]
