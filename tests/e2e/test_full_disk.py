"""What cannot be written, whatever command writes it: one line, one exit status, and nothing half there."""

from __future__ import annotations

import resource
import shutil
from typing import TYPE_CHECKING

import psutil
import pytest

from senseid_crypto.key import generate_key
from tests import packs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

KEYS = {"PARAM_DECRYPT_KEY": generate_key(lambda length: bytes(range(length))).secret.decode()}


def full() -> None:
    """Every byte that is written to a file is one too many."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.fixture
def work(tmp_path: Path, senseid: Senseid, photos: dict[str, Path]) -> Path:
    """A folder with something to read for every command, and a data directory of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(photos["biden.jpg"].read_bytes())
    (folder / "pairs.csv").write_text("first,second\nphoto.jpg,photo.jpg\n")
    (folder / "out").mkdir()
    packs.write_pack(folder)
    shutil.copytree(senseid.home, tmp_path / "home")
    shutil.copy(tmp_path / "home" / "license" / "senseid_face" / "senseid_face.lic", folder / "face.lic")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "omni photo.jpg photo.jpg --draw out/x.png",
        "quality photo.jpg --draw out/x.png",
        "quality photo.jpg --csv out/x.csv",
        "quality photo.jpg --html out/x.html",
        "batch pairs.csv --out out/x.csv",
        "encrypt photo.jpg --out out/x",
        "encrypt photo.jpg --out out/",
        "key generate other",
        "key rotate out",
        "udid --out out/UDID.txt",
        "license quickstart",
        "license install face.lic",
        "license keygen out/key --no-passphrase",
        "license issue --any-machine --licensee x --days 9 --out out/x.lic --product senseid_face",
        "license revoke 00112233445566778899aabbccddeeff",
        "license reset-clock",
        "models import tiny.onnx --as embedding",
        "serve start",
    ],
)
def test_a_full_disk(senseid: Senseid, work: Path, words: str) -> None:
    home = work.parent / "home"
    before = sorted(home.rglob("*.lic"))
    contents = [path.read_bytes() for path in before]
    # What measures coverage writes files too.
    env = {"SENSEID_HOME": str(home), "COVERAGE_PROCESS_CONFIG": "", **({} if words.startswith("key") else KEYS)}
    done = senseid(*words.split(), env=env, cwd=work, preexec_fn=full)
    assert done.returncode == 70, done.stderr
    assert b"file too large" in done.stderr.lower()
    assert done.stderr.count(b"\nsenseid: ") + done.stderr.startswith(b"senseid: ") == 1
    assert list((work / "out").iterdir()) == []
    assert [path.read_bytes() for path in before] == contents
    assert not [each for each in psutil.process_iter() if is_of(each, home)]


def test_a_disk_that_is_full_when_the_page_of_a_batch_comes(senseid: Senseid, work: Path) -> None:
    """Its records are there, and nothing beside them that would be in the way of the next run."""

    def nearly_full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    words = ("batch", "pairs.csv", "--out", "out/x.csv", "--report", "out/x.html")
    done = senseid(*words, env={"COVERAGE_PROCESS_CONFIG": ""}, cwd=work, preexec_fn=nearly_full)
    assert done.returncode == 70
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("senseid: out/x.html cannot be written: file too large; out/x.csv is complete: ")
    assert line.endswith(", then make the page by `senseid report out/x.csv`")
    assert [path.name for path in (work / "out").iterdir()] == ["x.csv"]
    assert senseid("report", "out/x.csv", cwd=work).returncode == 0
    assert (work / "out" / "x.html").exists()


def is_of(process: psutil.Process, home: Path) -> bool:
    try:
        return process.environ().get("SENSEID_HOME") == str(home)
    except psutil.Error:
        return False
