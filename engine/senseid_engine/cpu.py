"""The CPUs that this process may use: by its affinity mask and cgroup quota, not those of the host."""

from __future__ import annotations

import math
import os
from pathlib import Path


def available_cpus(root: Path = Path("/")) -> int:
    """Whole CPUs that this process may keep busy, at least 1.

    Args:
        root: the parent of `/sys` and `/proc`; tests pass another.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [allowed, *_quotas(root)]
    return max(1, math.floor(min(quotas)))


def share(threads: int) -> tuple[int, int]:
    """The photos of a comparison to encode at the same time, and the threads that each network may then use.

    Small networks use a second core better for a second photo than for a second half of the same layer.

    Args:
        threads: CPUs to use, at least 1.
    """
    photos = min(2, threads)
    return photos, max(1, threads // photos)


def _quotas(root: Path) -> list[float]:
    """CPU quotas of this process's cgroup and of those above it; version 2, else version 1."""
    group = own_group(root)
    base = root / "sys/fs/cgroup"
    found = []
    for folder in (group, *group.parents):
        limits = _read(base / folder / "cpu.max").split()
        if len(limits) == 2 and limits[0] != "max":
            found.append(int(limits[0]) / int(limits[1]))
    quota, period = _read(base / "cpu/cpu.cfs_quota_us"), _read(base / "cpu/cpu.cfs_period_us")
    if quota and period and int(quota) > 0:
        found.append(int(quota) / int(period))
    return found


def own_group(root: Path) -> Path:
    """This process's cgroup, as a path below `/sys/fs/cgroup`; that folder itself if there is none (version 1).

    Args:
        root: the parent of `/proc`; tests pass another.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        if line.startswith("0::/"):
            return Path(line.removeprefix("0::/"))
    return Path()


def _read(path: Path) -> str:
    try:
        # A group's name may hold any byte.
        return os.fsdecode(path.read_bytes()).strip()
    except OSError:
        return ""
