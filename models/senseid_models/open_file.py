"""Opening of regular files, never of a pipe that is endless or has no writer."""

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
    """Open a file to read from it, without blocking.

    Raises:
        NotRegularError: it is a pipe, a socket or a device.
        OSError: it cannot be opened, or is a directory.
        ValueError: it is not a path.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115  the caller closes it
    # After opening, on the descriptor, so that the file cannot be replaced in between.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise NotRegularError(errno.EINVAL, "it is not a regular file")
    return file


def _open_at_once(path: str, flags: int) -> int:
    # Opening a pipe without a writer would otherwise wait for ever. Windows has neither the flag nor such pipes.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
