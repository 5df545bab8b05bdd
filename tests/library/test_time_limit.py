"""Work in a process of its own, which ends in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import psutil
import pytest

from senseid.errors import CutShortError
from senseid.time_limit import within
from senseid_engine.errors import ModelError
from senseid_models.errors import ModelCorruptError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_it_gives_comes_back() -> None:
    assert within(60, lambda: {"pid": os.getpid()})["pid"] != os.getpid()


@pytest.mark.parametrize("kind", [ModelError, ModelCorruptError])
def test_what_it_raises_comes_back(tmp_path: Path, kind: type[Exception]) -> None:
    error = ModelError("model x", "is odd") if kind is ModelError else ModelCorruptError("x", tmp_path, "is odd")

    def work() -> NoReturn:
        raise error

    with pytest.raises(kind) as caught:
        within(60, work)
    assert (str(caught.value), caught.value.__dict__) == (str(error), error.__dict__)


def test_too_little_memory_behind_an_error_of_ours_is_that() -> None:
    def work() -> NoReturn:
        raise ModelError("model x", "it does not run") from RuntimeError("std::bad_alloc")

    with pytest.raises(MemoryError):
        within(60, work)


def test_its_time_is_up() -> None:
    begin, before = time.monotonic(), set(psutil.Process().children())
    with pytest.raises(TimeoutError):
        within(0.2, lambda: time.sleep(600))
    assert time.monotonic() - begin < 60
    assert set(psutil.Process().children()) <= before  # those of other tests


def test_something_else_ends_it() -> None:
    with pytest.raises(CutShortError, match="SIGKILL"):
        within(60, lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(CutShortError, match=r"exit\(1\)"):
        within(60, lambda: os._exit(1))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_process_that_waits(sent: signal.Signals) -> None:
    script = (
        "import os, signal, time\nfrom senseid.time_limit import within\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "within(600, lambda: (print(os.getpid(), flush=True), time.sleep(600)))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.send_signal(sent)
        process.wait(60)
        with suppress(psutil.NoSuchProcess):
            child.wait(60)
