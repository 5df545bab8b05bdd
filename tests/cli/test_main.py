"""The start of a process: interrupts while it imports, and the collector of cycles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.e2e.conftest import heed_sigint


@pytest.mark.parametrize(("words", "collects"), [(["compare", "a", "b"], False), (["license", "check"], True)])
def test_only_commands_that_are_soon_over_leave_cycles_alone(words: list[str], collects: bool) -> None:
    script = (
        "import atexit, gc, sys\n"
        "from senseid_cli.__main__ import main\n"
        "atexit.register(lambda: print('collects', gc.isenabled()))\n"
        "main()\n"
    )
    environment = {**os.environ, "SENSEID_HOME": "/nonexistent"}
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert f"collects {collects}" in done.stdout.splitlines(), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_ignored_interrupt_stays_ignored() -> None:
    # What nohup and a shell's `&` do; Python code between fork and exec is safe here, nothing else runs.
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    script = (
        "import signal, sys\n"
        "from senseid_cli.__main__ import main\n"
        "sys.argv = ['senseid', '--version']\n"
        "try:\n    main()\nfinally:\n    print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, preexec_fn=ignore)
    assert done.stdout.splitlines()[-1] == "True"


def test_an_interrupt_when_all_is_done_shows_no_traceback() -> None:
    script = (
        "import atexit, os, signal, sys\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "from senseid_cli.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--version"], capture_output=True, preexec_fn=heed_sigint, check=False
    )
    assert (done.returncode, done.stdout[:8], done.stderr) == (-signal.SIGINT, b"senseid ", b"")


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.02, 0.04])
def test_an_interrupt_during_the_imports_shows_no_traceback(delay: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "senseid_cli", "--help"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=heed_sigint,
    ) as process:
        assert process.stderr is not None
        seen = b""
        for line in process.stderr:
            seen += line
            if b"typer" in line:  # what Python does before our first line is not ours
                break
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        seen += process.stderr.read()
    assert b"Traceback" not in seen
    assert process.returncode in {0, 130, -signal.SIGINT}
