"""The memory that this process may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_cli.doctor.units import size_text
from senseid_engine.cpu import own_group

if TYPE_CHECKING:
    from pathlib import Path

# Measured with `compare`: 480 MB on photos of common sizes, 1,270 MB on two of 5000 x 5000 pixels.
_COMMON = 512 << 20
_LARGEST = 3 << 29
_UNLIMITED = 1 << 60


def read_limit(root: Path) -> int | None:
    """Read the smallest memory limit of this process's cgroup and its parents, in bytes; None if there is none.

    Args:
        root: the parent of `/sys` and `/proc`; tests pass another.
    """
    group, base = own_group(root), root / "sys/fs/cgroup"
    names = [base / folder / "memory.max" for folder in (group, *group.parents)]
    limits = [_read_limit(name) for name in (*names, base / "memory/memory.limit_in_bytes")]
    return min((limit for limit in limits if limit is not None), default=None)


def _read_limit(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    # Version 2 writes 'max' for no limit, version 1 a number near 2^63.
    return int(text) if text.isdigit() and int(text) < _UNLIMITED else None


def check_memory(available: int, total: int, limit: int | None) -> Finding:
    """Check that the models fit.

    Args:
        available: bytes available without swapping.
        total: bytes of the machine.
        limit: bytes that the container may use; None for no limit.
    """
    whole = total if limit is None else min(total, limit)
    left = min(available, whole)
    of = f"{size_text(left)} of {size_text(whole)} available"
    if limit is not None and limit < total:
        of += " (the container's limit)"
    if left < _COMMON:
        remedy = "give it more memory" if whole < _COMMON else "end other programs, or give it more memory"
        return problem("memory", f"{of}; one process needs {size_text(_COMMON)}", remedy)
    if left < _LARGEST:
        return note("memory", f"{of}: large photos may not fit", f"have {size_text(_LARGEST)} for each worker process")
    return ok("memory", of)
