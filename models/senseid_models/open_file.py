"""Opening files: regular ones, never a pipe that has no end or that nobody writes to."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO


class NotRegularError(OSError):
    """A pipe, a socket or a device."""


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read from it, without a wait.

    Raises:
        NotRegularError: it is a pipe, a socket or a device.
        OSError: it cannot be opened, or is a directory.
        ValueError: it is no path.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  the caller closes it
    # After the opening, on the descriptor, so that the file cannot be exchanged in between.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotRegularError(errno.EINVAL, "it is not a regular file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    # Opening a pipe that nobody writes to would otherwise wait for ever. Windows has neither the flag nor such pipes.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
