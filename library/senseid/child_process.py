"""A command in a process of its own, so that a library that ends it gives no verdict.

Where memory is short, libraries in C end the process as they like: OpenBLAS with 1, which would mean "no match", others
by a signal, the kernel with SIGKILL. The process that was started therefore only waits, and believes a status that the
command says itself before it ends; any other end is one line and the status of an internal error.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from senseid.errors import CutShortError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LEAST_MEMORY = 1 << 30
"""Bytes of addresses that the libraries and the smallest work take; with fewer nothing is begun."""

_FORWARDED = frozenset(
    {signal.SIGINT, signal.SIGTERM, *(getattr(signal, f"SIG{n}", signal.SIGINT) for n in ("HUP", "QUIT"))}
)
_PR_SET_PDEATHSIG = 1


class Guard:
    """What starts the process of a command, and in it, what says its status."""

    def __init__(self) -> None:
        self._says: int | None = None

    def run(self, work: Callable[[], Any]) -> Any:
        """Do work in a process of its own where the system can, once memory for it is there.

        The new process returns from here as if nothing had happened, and calls `say` when all is done. The other one
        waits for it and returns the status that it said.

        Raises:
            MemoryError: there is not enough memory to begin.
            CutShortError: the process ended without saying a status.
        """
        check_memory()
        if not hasattr(signal, "sigwaitinfo"):  # not Linux
            return work()
        awaited = _FORWARDED | {signal.SIGCHLD}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        hears, says = os.pipe()
        parent = os.getpid()
        child = os.fork()
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
        if -code in _FORWARDED:  # somebody wanted it to end
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        raise CutShortError(ending(code))

    def say(self, status: int) -> None:
        """Tell the process that waits, if there is one, how this one ends."""
        if self._says is not None:
            os.write(self._says, bytes([status]))


def check_memory() -> None:
    """Find out whether the least that is needed can be had, by asking for it and giving it back.

    Raises:
        MemoryError: it cannot.
    """
    if os.name != "posix":
        return
    import mmap

    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    try:
        mmap.mmap(-1, LEAST_MEMORY, flags=flags, prot=mmap.PROT_READ).close()
    except OSError:
        raise MemoryError from None


def ending(code: int) -> str:
    """How a process ended whose exit code this is: negative for a signal."""
    return signal.Signals(-code).name if code < 0 else f"exit({code})"


def die_with(parent: int) -> None:
    """End this process when the one that waits for it is killed, where the system can (Linux)."""
    import ctypes

    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed before
        os.kill(os.getpid(), signal.SIGKILL)


def _wait(child: int, awaited: frozenset[signal.Signals]) -> int:
    """The exit code of a child, negative for a signal; what others send here meanwhile goes on to it."""
    while True:
        heard = signal.sigwaitinfo(awaited)
        if heard.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        elif heard.si_code <= 0:  # of a process; what a terminal sends reaches the child by itself
            os.kill(child, heard.si_signo)
