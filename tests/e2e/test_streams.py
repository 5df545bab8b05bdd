"""Without a working stderr every command ends as it does with one: the same status, answer and files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_cli.app import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Senseid

KEY = {"PARAM_DECRYPT_KEY": "1" * 32, "PARAM_DECRYPT_IV": "2" * 12}  # weak, which is said
ROWS = b"obama.jpg,gone.jpg\ngone.jpg,obama.jpg\n"

# Each says something on stderr, most of them before the work is done.
LINES = {
    "usage": "compare one",
    "no match": "compare obama.jpg biden.jpg --draw out.png",
    "compare": "compare gone.jpg obama.jpg --json",
    "omni": "omni gone.jpg obama.jpg",
    "quality": "quality gone.jpg",
    "liveness": "liveness obama.jpg",
    "verify": "verify obama.jpg gone.jpg",
    "batch": "batch rows.csv --out out.csv --report out.html",
    "report": "report rows.csv",
    "cache": "cache list nowhere",
    "encrypt": "encrypt gone.jpg obama.jpg --out out",
    "encrypt in the wire format": "encrypt obama.jpg rows.csv --format wire --out out",
    "decrypt": "decrypt rows.csv broken.senseid obama.jpg.senseid --out out",
    "udid": "udid --out nowhere/UDID.txt",
    "key": "key list",
    "license": "license install rows.csv",
    "models": "models import rows.csv --name out",
    "serve": "serve --port nothing",
    "drift": "drift gone.csv",
    "audit": "audit verify gone.jsonl",
    "help": "help nothing",
    "schema": "schema nothing",
    "version": "version nothing",
    "debug": "--debug compare gone.jpg obama.jpg",
}


def gone() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def ended(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): b"" if path.suffix == ".senseid" else path.read_bytes()  # each has a fresh nonce
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(senseid: Senseid, photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streams")
    for name in ("obama.jpg", "biden.jpg"):
        shutil.copy(photos[name], folder)
    (folder / "rows.csv").write_bytes(ROWS)
    assert senseid("encrypt", "obama.jpg", cwd=folder, env=KEY).returncode == 0
    (folder / "broken.senseid").write_bytes((folder / "obama.jpg.senseid").read_bytes()[:-1])
    return folder


def run(senseid: Senseid, line: str, place: Path, stderr: Callable[[], int] | None) -> tuple[int, bytes]:
    """Runs it, with the stderr that is given, or none at all."""
    words = senseid.command(*line.split())
    if stderr is None:
        words = ["sh", "-c", 'exec "$@" 2>&-', "sh", *words]
    handle = subprocess.DEVNULL if stderr is None else stderr()
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=handle, cwd=place,
            env=senseid.environment(KEY), check=False,
        )  # fmt: skip
    finally:
        if stderr is not None:
            os.close(handle)
    return done.returncode, done.stdout


def test_every_command_is_among_the_lines() -> None:
    # The doctor says how this machine is, which changes from run to run; it has a test of its own.
    assert set(COMMANDS) - {"doctor"} <= {word for line in LINES.values() for word in line.split()}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_without_stderr_all_is_as_with_it(senseid: Senseid, folder: Path, tmp_path: Path, line: str) -> None:
    outcomes = []
    for number, stderr in enumerate((lambda: os.open(tmp_path / "said", os.O_WRONLY | os.O_CREAT), gone, full, None)):
        place = tmp_path / str(number)
        shutil.copytree(folder, place)
        status, answer = run(senseid, line, place, stderr)
        if b"request_id" in answer:
            answer = answer.partition(b"request_id")[0]
        outcomes.append((status, answer, ended(place)))
    assert (tmp_path / "said").read_bytes()
    with_it, *without = outcomes
    assert with_it[0] != 70
    for outcome in without:
        assert outcome == with_it


@pytest.mark.parametrize("stderr", [gone, full, None], ids=["gone", "full", "closed"])
def test_the_doctor_without_stderr(
    senseid: Senseid, folder: Path, tmp_path: Path, stderr: Callable[[], int] | None
) -> None:
    broken = type(senseid)(tmp_path / "no home")
    assert run(broken, "doctor", folder, stderr)[0] == broken("doctor", cwd=folder, env=KEY).returncode


@pytest.mark.parametrize("line", ["compare gone.jpg gone.jpg --json", "compare --json", "batch rows.csv"])
def test_an_answer_that_cannot_be_written(senseid: Senseid, folder: Path, line: str) -> None:
    with Path("/dev/full").open("wb") as stdout:
        done = subprocess.run(
            senseid.command(*line.split()),
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=senseid.environment(),
            check=False,
        )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    if line.startswith("batch"):
        assert (done.returncode, b"standard output cannot be written" in done.stderr) == (70, True)
    else:
        assert done.returncode in {2, 3}


def test_records_of_a_batch_have_nowhere_to_go(senseid: Senseid, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *senseid.command("batch", "rows.csv")],
        stderr=subprocess.PIPE,
        cwd=folder,
        env=senseid.environment(),
        check=False,
    )
    assert done.returncode == 70
    assert done.stderr.endswith(b"senseid: standard output is closed: name a file with --out\n")


def test_what_a_library_says_goes_into_no_file(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from senseid_cli import app\n"
        "def run(words, guard):\n"
        "    with open(words.pop(), 'wb') as file:\n"
        "        os.write(2, b'from a library in C')\n"
        "        return file.fileno()\n"
        "app.run = run\n"
        "app.main()\n"
    )
    words = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", script, str(tmp_path / "out")]
    done = subprocess.run(words, check=False)
    assert done.returncode > 2
    assert (tmp_path / "out").read_bytes() == b""
