"""Free space on the disks that are written to."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_cli.doctor.units import size_text

if TYPE_CHECKING:
    from pathlib import Path

# Licences and the clock's mark take kilobytes; decrypted videos and a batch's output take more.
_LEAST = 16 << 20
_ROOMY = 1 << 30


def check_disk(check: str, folder: Path) -> Finding:
    """Check the free space where `folder` is or will be.

    Args:
        check: the name of the finding.
        folder: the folder, which need not exist.
    """
    there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return problem(check, f"{there}: cannot be asked for its free space ({error.strerror})", "check its disk")
    message = f"{size_text(free)} free at {there}"
    if free < _LEAST:
        return problem(check, message, "free some space: nothing can be written safely")
    if free < _ROOMY:
        return note(check, message, "free some space before a batch of many photos")
    return ok(check, message)
