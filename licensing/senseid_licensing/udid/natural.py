"""Natural order of device paths: `virtio2` before `virtio10`."""

from __future__ import annotations

import re


def natural(path: str) -> list[tuple[int, int, str]]:
    """A sort key that compares runs of digits as numbers."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path, re.ASCII)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
