"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import heed_sigint, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Senseid
from tests.e2e.encryption.conftest import ENVIRONMENT, IV, LONG, MARK, PLAIN, SECRET, holding, seal


@pytest.fixture
def halfway(senseid: Senseid, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Path]]]:
    """Starts a decryption of a pipe into a file, and feeds it a half of what it needs.

    What it gives takes Python code that stands for the program.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def start(program: str | None = None) -> tuple[subprocess.Popen[bytes], Path]:
        work, temporary = tmp_path / "work", tmp_path / "temporary"
        work.mkdir()
        temporary.mkdir()
        sealed, words = seal(LONG), ("decrypt", "-", "--out", "plain.bin")
        process = subprocess.Popen(
            senseid.command(*words) if program is None else [sys.executable, "-c", program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=senseid.environment({**ENVIRONMENT, "TMPDIR": str(temporary)}),
            cwd=work,
            preexec_fn=heed_sigint,
        )
        processes.append(process)
        assert process.stdin is not None
        process.stdin.write(sealed[: len(sealed) // 2])
        process.stdin.flush()
        wait_until(lambda: written_so_far(process) > 3_000_000, process)
        return process, tmp_path

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def written_so_far(process: subprocess.Popen[bytes]) -> int:
    """Bytes that the process has written, as the system counts them."""
    facts = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
    return int(facts["wchar"])


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name, and /proc, are Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_ended_leaves_no_plaintext(
    halfway: Callable[[], tuple[subprocess.Popen[bytes], Path]], how: signal.Signals
) -> None:
    process, folder = halfway()
    assert holding(folder, MARK) == []  # while it runs, too
    process.send_signal(how)
    _, err = process.communicate()
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    assert b"Traceback" not in err
    assert list((folder / "work").iterdir()) == list((folder / "temporary").iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_is_half_written_goes_where_files_need_a_name(
    halfway: Callable[..., tuple[subprocess.Popen[bytes], Path]], how: signal.Signals
) -> None:
    """As on a memory stick: its file system has no files without a name."""
    # Under nohup the tests, and what they start, ignore SIGHUP, and the program leaves that as it is.
    undo = "import os, signal; del os.O_TMPFILE; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    process, folder = halfway(f"{undo}; from senseid_cli.app import main; main()")
    assert holding(folder / "work", MARK) != []
    process.send_signal(how)
    _, err = process.communicate()
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    assert err == b""
    assert list((folder / "work").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_nobody_sees_a_secret_in_a_running_process(
    halfway: Callable[[], tuple[subprocess.Popen[bytes], Path]],
) -> None:
    process, folder = halfway()
    line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"decrypt" in line
    assert SECRET.encode() not in line
    assert IV.encode() not in line
    open_files = [str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    mine = [path for path in open_files if path.startswith(str(folder))]
    assert len(mine) == 1
    assert mine[0].endswith("(deleted)")  # the output, which has no name
    assert holding(folder, MARK, SECRET.encode()) == []


def test_a_damaged_end_leaves_nothing(senseid: Senseid, tmp_path: Path) -> None:
    sealed = seal(PLAIN)
    for data in (sealed[:-1], sealed + b"x", sealed[:-1] + bytes([sealed[-1] ^ 1])):
        done = senseid("decrypt", "-", "--out", tmp_path / "plain", stdin=data, env=ENVIRONMENT)
        assert done.returncode == 6
        done = senseid("decrypt", "-", stdin=data, env=ENVIRONMENT)
        assert (done.returncode, done.stdout) == (6, b"")
    assert list(tmp_path.iterdir()) == []
