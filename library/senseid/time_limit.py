"""Work that may never end, or take all memory, in a child process that is killed at its time limit."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

from senseid.child_process import die_with, ending
from senseid.errors import CutShortError
from senseid.outcomes import is_of_memory
from senseid.remote_error import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return the result of work, or raise its error, within a time limit. The result is pickled.

    If a process cannot be forked (Windows) there is no limit.

    Raises:
        TimeoutError: it took longer.
        MemoryError: it had too little memory.
        CutShortError: something else ended its process.
    """
    if sys.platform == "win32":
        return work()
    fork = multiprocessing.get_context("fork")
    hears, says = fork.Pipe(duplex=False)
    process = fork.Process(target=_do, args=(work, says, os.getpid()), daemon=True)
    process.start()
    says.close()
    try:
        if not hears.poll(seconds):
            raise TimeoutError
        result, error = hears.recv()
    except EOFError:
        process.join()
        raise CutShortError(ending(process.exitcode or 0)) from None
    finally:
        process.kill()
        process.join()
    if error is not None:
        raise error.revive()
    return cast("T", result)


def _do(work: Callable[[], Any], says: Connection, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which kills this process
    die_with(parent)
    answer: tuple[Any, RemoteError | None]
    try:
        answer = (work(), None)
    except Exception as error:
        answer = (None, RemoteError.of(MemoryError() if is_of_memory(error) else error))
    says.send(answer)
