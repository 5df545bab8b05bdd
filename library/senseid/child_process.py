"""Commands in a child process, so that a library that exits it does not produce a verdict.

When memory is short, C libraries end the process: OpenBLAS with status 1, which would mean "no match", others by a
signal, the kernel with SIGKILL. The parent process therefore only waits, and accepts a status that the command reports
before it ends; any other end is reported in one line with the status of an internal error.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from senseid.errors import CutShortError, NoProcessError
from senseid.outcomes import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

LEAST_MEMORY = 1 << 30
"""Bytes of address space for the libraries and the smallest task; with less nothing is started."""

_FORWARDED = frozenset(
    {signal.SIGINT, signal.SIGTERM, *(getattr(signal, f"SIG{n}", signal.SIGINT) for n in ("HUP", "QUIT"))}
)
_PR_SET_PDEATHSIG = 1


class Guard:
    """Starts the child process of a command and, inside it, reports its status."""

    def __init__(self) -> None:
        self._says: int | None = None
        self._ran = False

    def run(self, work: Callable[[], Any]) -> Any:
        """Do work in a child process if the system can fork, once there is memory for it.

        In the child this returns normally, and the child calls `end` when all is done. The parent waits for it and
        returns the status that it reported.

        Raises:
            MemoryError: there is not enough memory to start.
            KeyboardInterrupt: SIGINT ended it.
            NoProcessError: the system lets no process begin.
            CutShortError: the process ended without reporting a status.
        """
        check_memory()
        self._ran = True
        if sys.platform != "linux":  # others have no sigwaitinfo, or no fork
            return work()
        awaited = _FORWARDED | {signal.SIGCHLD}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        hears, says = os.pipe()
        parent = os.getpid()
        try:
            child = os.fork()
        except BlockingIOError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            raise NoProcessError(os.strerror(error.errno or 0).lower()) from error
        if child == 0:
            os.close(hears)
            self._says = says
            die_with(parent)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return work()
        os.close(says)
        code = _wait(child, awaited)
        with os.fdopen(hears, "rb") as pipe:
            said = pipe.read()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if said:
            return said[0]
        if code == -signal.SIGINT:
            raise KeyboardInterrupt
        if -code in _FORWARDED:  # it was asked to end
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        raise CutShortError(ending(code))

    def end(self, status: int) -> NoReturn:
        """Report the status of this process to the parent, if there is one that waits, and end it.

        After `run` memory is not freed piece by piece, which with models takes longer than to compare two photos.

        Raises:
            SystemExit: the interpreter has to end it.
        """
        if self._says is not None:
            os.write(self._says, bytes([status]))
        # The interpreter waits for other threads. After Ctrl-C they open models or decode a video that nobody wants any
        # more, and one that returns from a library when the interpreter is gone aborts the process with a message.
        if not self._ran or (threading.active_count() > 1 and status != ExitStatus.INTERRUPTED):
            sys.exit(status)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # it would show a traceback
        atexit._run_exitfuncs()  # noqa: SLF001  nothing else runs them before `_exit`
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(Exception):
                    stream.flush()
        os._exit(status)


def check_memory() -> None:
    """Check that the minimum of memory is available, by allocating and freeing it.

    Raises:
        MemoryError: it is not.
    """
    if sys.platform == "win32":
        return
    import mmap

    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    try:
        mmap.mmap(-1, LEAST_MEMORY, flags=flags, prot=mmap.PROT_READ).close()
    except OSError:
        raise MemoryError from None


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end this process without Python while modules are imported in several threads, and nothing is written.

    Python's own handling can be lost meanwhile, reported as a library that does not load, or leave the lock of imports
    taken, on which another thread then waits for ever.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ending(code: int) -> str:
    """Describe how a process with this exit code ended; a negative one is a signal."""
    return signal.Signals(-code).name if code < 0 else f"exit({code})"


def die_with(parent: int) -> None:
    """End this process when its parent is killed, if the system supports it (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed earlier
        os.kill(os.getpid(), signal.SIGKILL)


def _wait(child: int, awaited: frozenset[signal.Signals]) -> int:
    """The exit code of a child, negative for a signal; signals received meanwhile are forwarded to it."""
    if sys.platform != "linux":
        raise NotImplementedError  # nothing is forked there
    while True:
        heard = signal.sigwaitinfo(awaited)
        if heard.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        elif heard.si_code <= 0:  # of a process; what a terminal sends reaches the child by itself
            os.kill(child, heard.si_signo)
