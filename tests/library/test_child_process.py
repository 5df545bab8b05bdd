"""A command in a process of its own: only a status that it says itself is one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from senseid import child_process, outcomes
from senseid.errors import CutShortError
from senseid.outcomes import is_of_memory, outcome_of
from senseid_engine.errors import ImageTypeError, MediaNotFoundError, ModelError
from tests.e2e.conftest import heed_sigint

pytestmark = pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="no guard on this system")

HEAD = """
import ctypes, os, signal, sys, time
from senseid import child_process
from senseid_cli import app
child_process.check_memory = lambda: None
from senseid_cli.commands import compare as module
def work(first: str, second: str) -> None:
    print("begun", os.getpid(), flush=True)
    {work}
module.compare = work
app.main()
"""


def start(work: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", HEAD.format(work=work), "compare", "a", "b"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_sigint,
    )


def ended(work: str) -> tuple[int, bytes]:
    process = start(work)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


@pytest.mark.parametrize(
    ("work", "how"),
    [
        ("ctypes.CDLL(None).exit(1)", b"exit(1)"),  # as OpenBLAS does
        ("ctypes.CDLL(None).exit(0)", b"exit(0)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", b"SIGSEGV"),
        ("os.abort()", b"SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", b"SIGKILL"),  # as the kernel does
    ],
)
def test_an_end_without_a_status_is_no_verdict(work: str, how: bytes) -> None:
    status, stderr = ended(work)
    assert status == 70
    assert stderr.startswith(
        b"senseid: the work was cut short (" + how + b"), as happens where there is not enough memory"
    )
    assert len(stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("work", "status"),
    [
        ("pass", 0),
        ("import typer; raise typer.Exit(1)", 1),
        ("raise MemoryError", 70),
        ("raise KeyboardInterrupt", 130),
    ],
)
def test_a_status_that_is_said_is_that_of_the_command(work: str, status: int) -> None:
    assert ended(work)[0] == status


def test_where_no_process_may_begin() -> None:
    head = "def full(): raise BlockingIOError(11, 'x')\nimport os; os.fork = full\n"
    done = subprocess.run(
        [sys.executable, "-c", head + HEAD.format(work="pass"), "compare", "a", "b"], capture_output=True, check=False
    )
    assert done.returncode == 70
    assert done.stderr.startswith(b"senseid: no process can be started: resource temporarily unavailable: end other ")


def test_after_ctrl_c_nothing_is_waited_for() -> None:
    late = "import threading; threading.Thread(target=lambda: (time.sleep(3), print('late', flush=True))).start()"
    for end, lines in (("pass", 2), ("raise KeyboardInterrupt", 1)):
        stdout, stderr = start(f"{late}\n    {end}").communicate(timeout=60)
        assert (len(stdout.splitlines()), stderr) == (lines, b"")


def test_what_was_to_run_at_the_end_runs_and_is_written() -> None:
    process = start("import atexit; atexit.register(print, 'last')")
    stdout, stderr = process.communicate(timeout=60)
    # In the process that waits nothing was registered.
    assert (process.returncode, stdout.splitlines()[1:], stderr) == (0, [b"last"], b"")


def test_a_signal_goes_on_to_the_work_once() -> None:
    process = start("time.sleep(60)")
    assert process.stdout is not None
    child = int(process.stdout.readline().split()[1])
    assert child != process.pid
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, b"")


def test_what_was_to_end_it_is_how_it_ends() -> None:
    process = start("time.sleep(60)")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (-signal.SIGTERM, b"")


def test_the_work_dies_with_what_waits_for_it() -> None:
    process = start("time.sleep(60)")
    assert process.stdout is not None
    child = int(process.stdout.readline().split()[1])
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while (
        Path(f"/proc/{child}/status").exists() and "Z" not in Path(f"/proc/{child}/status").read_text().split("\n")[2]
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_little_memory_is_said_before_the_work_begins(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "senseid_cli", "compare", "a", "b", "--json"]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -v 400000 && exec "$@"', "sh", *words],
        capture_output=True,
        env={**os.environ, "SENSEID_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 70
    assert done.stderr == b"senseid: there is not enough memory: end other programs, or use smaller media\n"
    assert b'"code":500' in done.stdout


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(12, "Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
        caused(ModelError("model x", "cannot load it"), RuntimeError("std::bad_alloc")),
    ],
)
def test_too_little_memory_blames_nothing_else(error: Exception) -> None:
    assert is_of_memory(error)
    assert outcome_of(error) == outcomes.INTERNAL


@pytest.mark.parametrize(
    "error",
    [
        ModelError("model x", "cannot load it"),
        MediaNotFoundError("out of memory.jpg", "no such file"),
        caused(MediaNotFoundError("a", "no such file"), FileNotFoundError(2, "No such file", "bad_alloc")),
        ImageTypeError("a", "is corrupted"),
        CutShortError("SIGSEGV"),
    ],
)
def test_other_errors_are_what_they_are(error: Exception) -> None:
    assert not is_of_memory(error)


def test_sigint_ends_the_process_at_once_where_python_could_lose_it() -> None:
    process = start("with child_process.ending_at_once(): print('ready', flush=True); ctypes.PyDLL(None).sleep(60)")
    assert process.stdout is not None
    assert [process.stdout.readline().split()[0] for _ in range(2)] == [b"begun", b"ready"]
    process.send_signal(signal.SIGINT)  # no code of Python runs there until it slept enough
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, b"")


def test_sigint_is_python_s_again_afterwards() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with child_process.ending_at_once():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
