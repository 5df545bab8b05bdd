"""The `.env` file of the current folder, which nobody named: whose it is, and what is never taken from it.

Whoever works in a folder of somebody else, such as an unpacked archive or a shared disk, has not chosen the file that
lies there. So it is read only if nobody else can have written it, gives way to every other source, and is spoken of.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

UNNAMED: Final = Path(".env")
"""Where it is looked for."""

_OTHERS_WRITE: Final = 0o022


def distrust(path: Path) -> str:
    """Why a file that was not named is not read; empty if it is there for the user alone to write, or not there."""
    if os.name != "posix":  # modes say nothing there
        return ""
    mine = {os.geteuid(), 0}
    try:
        real = path.resolve()
        places = [(place, place.stat()) for place in (path.absolute().parent, real.parent, real)]
    except (OSError, RuntimeError):  # a circle of links is told where it is read
        return ""
    for place, found in places:
        if found.st_uid not in mine:
            return f"{place} belongs to another user"
        if found.st_mode & _OTHERS_WRITE:
            return f"others may write to {place}"
    return ""
