"""Terminals, pipes that close, directories that cannot be written."""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


@pytest.fixture(scope="module")
def words(photos: dict[str, Path]) -> tuple[str | Path, ...]:
    return ("compare", photos["obama.jpg"], photos["obama2.jpg"])


def test_a_terminal_gets_a_table(senseid: Senseid, words: tuple[str | Path, ...]) -> None:
    status, text = senseid.on_terminal(*words, env={"TERM": "xterm", "COLUMNS": "80"})
    assert status == 0
    assert "\x1b[1;32m" in text
    assert "1 in 10,000 strangers" in text


def test_no_color(senseid: Senseid, words: tuple[str | Path, ...]) -> None:
    _, text = senseid.on_terminal(*words, env={"TERM": "xterm", "NO_COLOR": "1"})
    assert "match" in text
    assert "\x1b[1;32m" not in text
    assert "\x1b[32m" not in text


@pytest.mark.parametrize(("command", "status"), [("compare", 1), ("omni", 0)])
@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_a_narrow_terminal(
    senseid: Senseid, groups: tuple[Path, Path], command: str, status: int, terminal: str
) -> None:
    env = {"TERM": terminal, "COLUMNS": "20", "NO_COLOR": "1"}
    found, text = senseid.on_terminal(command, *groups, env=env)
    assert found == status
    plain = re.sub("\x1b\\[[0-9;]*m", "", text)
    assert all(len(line) <= 20 for line in plain.splitlines())


def test_a_terminal_too_narrow_for_the_matrix(senseid: Senseid, groups: tuple[Path, Path]) -> None:
    _, text = senseid.on_terminal("omni", *groups, env={"TERM": "xterm", "COLUMNS": "15"})
    assert [line.split("\t")[2:] for line in text.splitlines()] == [[a, b] for a in ("A1", "A2") for b in ("B1", "B2")]


def test_json_on_a_terminal_is_one_plain_line(senseid: Senseid, words: tuple[str | Path, ...]) -> None:
    _, text = senseid.on_terminal(*words, "--json", env={"TERM": "xterm", "COLUMNS": "20"})
    assert text.count("\n") == 1
    assert json.loads(text)["code"] == 1000


def test_a_photo_cannot_come_from_a_terminal(senseid: Senseid, photos: dict[str, Path]) -> None:
    status, text = senseid.on_terminal("compare", "-", photos["obama.jpg"], env={})
    assert status == 3
    assert "stdin: holds no photo: pipe one in" in text


def test_a_reader_that_leaves_early_changes_no_verdict(senseid: Senseid, photos: dict[str, Path]) -> None:
    for name, status in (("obama2.jpg", 0), ("biden.jpg", 1)):
        reader, writer = os.pipe()
        os.close(reader)
        command = senseid.command("omni", photos["obama.jpg"], photos[name])
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=senseid.environment(), check=False)
        os.close(writer)
        assert (done.returncode, done.stderr) == (status, b"")


def _be_an_ordinary_user() -> None:
    """Give up what lets root read and write everywhere, in a process between fork and exec."""
    drop_from_bounding_set = 24  # PR_CAPBSET_DROP
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if os.geteuid() == 0 and ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0):
            os._exit(77)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are tested on Linux")
def test_a_data_directory_that_cannot_be_written(
    senseid: Senseid, words: tuple[str | Path, ...], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(senseid.home, home)
    shutil.rmtree(home / "state", ignore_errors=True)
    home.chmod(0o555)
    done = type(senseid)(home)(*words, preexec_fn=_be_an_ordinary_user)
    home.chmod(0o755)
    if done.returncode == 77:
        pytest.skip("root may not give up its privileges here")
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    assert not (home / "state").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are tested on Linux")
@pytest.mark.parametrize("folder", [".", "trust", "trust/roots"])
def test_a_data_directory_that_cannot_be_read(
    senseid: Senseid, words: tuple[str | Path, ...], tmp_path: Path, folder: str
) -> None:
    home = tmp_path / "home"
    shutil.copytree(senseid.home, home)
    (home / folder).chmod(0)
    commands = {("license", "check"): 4, ("doctor",): 1, words: 4}
    done = {command: type(senseid)(home)(*command, preexec_fn=_be_an_ordinary_user) for command in commands}
    (home / folder).chmod(0o755)
    if any(run.returncode == 77 for run in done.values()):
        pytest.skip("root may not give up its privileges here")
    assert {command: run.returncode for command, run in done.items()} == commands
    for run in done.values():
        assert b"trust/roots: the trust roots cannot be read: Permission denied" in run.stdout + run.stderr


def test_a_data_directory_whose_name_is_too_long(senseid: Senseid, words: tuple[str | Path, ...]) -> None:
    nowhere = type(senseid)(senseid.home / ("n" * 300))
    assert (nowhere(*words).returncode, nowhere("doctor").returncode) == (4, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are tested on Linux")
def test_what_cannot_be_read_is_told_by_whoever_reads_it(senseid: Senseid, tmp_path: Path) -> None:
    licence, old = tmp_path / "face.lic", tmp_path / "old"
    shutil.copy(senseid.home / "license" / "senseid_face" / "senseid_face.lic", licence)
    (old / "keys").mkdir(parents=True)
    licence.chmod(0)
    (old / "keys").chmod(0)
    commands = {("license", "install", licence): 4, ("doctor", "--upgraded-from", old): 1}
    done = {command: senseid(*command, preexec_fn=_be_an_ordinary_user) for command in commands}
    (old / "keys").chmod(0o755)
    if any(run.returncode == 77 for run in done.values()):
        pytest.skip("root may not give up its privileges here")
    assert {command: run.returncode for command, run in done.items()} == commands
    installed, checked = done.values()
    assert b"STID_E_INVALID_AUTH (-13)" in installed.stderr
    assert f"{old / 'keys'}: cannot be read".encode() in checked.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are tested on Linux")
def test_a_folder_that_cannot_be_read_is_not_passed_over_in_silence(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    for name in ("", "closed"):
        (folder / name).mkdir()
        shutil.copy(photos["obama.jpg"], folder / name / "obama.jpg")
    (folder / "closed").chmod(0)
    commands = {
        ("batch", "--task", "quality", "--format", "ndjson", folder): 0,
        ("batch", folder / "closed"): 2,
        ("quality", "--json", folder): 0,
        ("quality", folder / "closed"): 3,
    }
    done = {command: senseid(*command, preexec_fn=_be_an_ordinary_user) for command in commands}
    (folder / "closed").chmod(0o755)
    if any(run.returncode == 77 for run in done.values()):
        pytest.skip("root may not give up its privileges here")
    assert {command: run.returncode for command, run in done.items()} == commands
    for run in done.values():
        assert f"{folder}/closed".encode() in run.stderr
        assert b"permission denied" in run.stderr
        assert len(run.stdout.splitlines()) == (run.returncode == 0)


@pytest.mark.skipif(sys.platform != "linux", reason="permissions are tested on Linux")
def test_a_folder_that_may_not_be_entered(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    """As of `sudo -u senseid senseid ...` in root's folder: what is elsewhere works, and a name there is refused."""
    photo = photos["obama.jpg"]
    commands = {
        ("key", "list"): 0,
        ("serve", "--show-config"): 0,
        ("serve", "stop"): 0,
        ("photo.jpg",): 2,
        ("batch", "pairs.csv"): 2,
        ("batch", "."): 2,
        ("key", "rotate", "."): 2,
        ("quality", "."): 3,
        ("audit", "verify", "log"): 3,
        ("audit", "purge", "log", "--older-than", "1"): 3,
        ("models", "import", "curve.toml", "--as", "curve"): 3,
        ("compare", photo, photo, "--decision-log", "log"): 70,
    }

    def enter() -> None:
        os.chdir(tmp_path)
        tmp_path.chmod(0)
        _be_an_ordinary_user()

    done = {}
    for command in (*commands, ("doctor",)):
        done[command] = senseid(*command, preexec_fn=enter)
        tmp_path.chmod(0o755)
    if any(run.returncode == 77 for run in done.values()):
        pytest.skip("root may not give up its privileges here")
    assert done["doctor",].returncode in {0, 1}  # this machine may lack something
    assert {command: run.returncode for command, run in done.items() if command in commands} == commands
    for run in done.values():
        assert b"internal error" not in run.stderr
