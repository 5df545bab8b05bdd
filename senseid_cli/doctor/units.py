"""Numbers with units, for people."""

from __future__ import annotations


def size_text(count: int) -> str:
    """A number of bytes, such as `1.5 GiB`."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
