"""What a person sees on a terminal when a line is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from typing import TYPE_CHECKING, Final

import pyte

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COLUMNS: Final = 100
# The terminal says that it is `COLUMNS` wide; longer lines are not broken, so that a page can show them as one.
_UNBROKEN: Final = 4000
_ROWS: Final = 400
_SIZE: Final = ("COLUMNS", "LINES")
"""Variables that go before the size of the terminal."""


def typed_on_terminal(line: str, *, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a line in a shell whose input, output and errors are one terminal; what stands on it in the end.

    Progress bars that have gone, colours and spaces at the ends of lines are not part of it.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(_UNBROKEN, _ROWS)
    stream = pyte.ByteStream(screen)
    with subprocess.Popen(
        ["bash", "-c", line],
        cwd=folder,
        env={**{name: value for name, value in environment.items() if name not in _SIZE}, "TERM": "xterm-256color"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    ):
        os.close(follower)
        stream.feed(all_of(leader))
    rows = (screen.buffer[row] for row in range(_ROWS))
    lines = ["".join(row[column].data for column in range(max(row, default=-1) + 1)).rstrip() for row in rows]
    return "\n".join(lines).strip("\n")


def all_of(leader: int) -> bytes:
    """What a terminal sees until its other end is closed; then this end is closed as well."""
    seen = b""
    try:
        while part := os.read(leader, 65536):
            seen += part
    except OSError:  # Linux's way to say that the other end was closed
        pass
    finally:
        os.close(leader)
    return seen
