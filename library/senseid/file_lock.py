"""Locks on open files, which end with the process that has them."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

_RETRY_SECONDS: Final = 0.05


def lock(file: int, *, wait: bool) -> bool:
    """Lock a file for as long as it is open.

    Args:
        file: descriptor of an open file.
        wait: wait for whoever has it.

    Returns:
        Whether this process has it now; False only without `wait`.

    Raises:
        OSError: the disk knows no locks.
    """
    while not _try_lock(file, wait=wait):
        if not wait:
            return False
        time.sleep(_RETRY_SECONDS)
    return True


if sys.platform == "win32":
    import msvcrt

    _PLACE: Final = 1 << 62
    """The byte that is locked: nobody else can read it, and no file reaches so far."""

    def _try_lock(file: int, *, wait: bool) -> bool:  # noqa: ARG001  it can only wait for ten seconds by itself
        before = os.lseek(file, 0, os.SEEK_CUR)
        try:
            os.lseek(file, _PLACE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(file, before, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(file: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
