"""The `.env` file of the current folder, if it was not named explicitly: whether to trust it, and what to ignore in it.

A user who works in somebody else's folder, such as an unpacked archive or a shared disk, has not chosen the file in it.
So it is read only if nobody else can have written it, every other source takes precedence, and its use is reported.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

UNNAMED: Final = Path(".env")
"""The path of the file."""

_OTHERS_WRITE: Final = 0o022


def distrust(path: Path) -> str:
    """The reason not to read a file that was not named; empty if only the user can write it, or it is missing."""
    if sys.platform == "win32":  # file modes mean nothing there
        return ""
    mine = {os.geteuid(), 0}
    try:
        real = path.resolve()
        places = [(place, place.stat()) for place in (path.absolute().parent, real.parent, real)]
    except (OSError, RuntimeError):  # a loop of links is reported when it is read
        return ""
    for place, found in places:
        if found.st_uid not in mine:
            return f"{place} belongs to another user"
        if found.st_mode & _OTHERS_WRITE:
            return f"others may write to {place}"
    return ""
