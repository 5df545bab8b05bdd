"""Room for the connections that the settings allow: each is an open file, of which most systems allow 1,024."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST: Final = 1100
"""Files beside the connections that are allowed: asyncio accepts whatever waits at a port before one too many is
closed, and the handlers, the log and the libraries have theirs."""


def make_room(
    connections: int,
    get: Callable[[int], tuple[int, int]] = resource.getrlimit,
    put: Callable[[int, tuple[int, int]], None] = resource.setrlimit,
) -> tuple[int, int]:
    """Raise this process's limit of open files as far as `connections` need it and the system allows.

    Args:
        connections: maximum of open connections of all ports.
        get: reads the limit that holds and the one up to which it may be raised.
        put: sets both.

    Returns:
        How many files may be open now, and how many are needed.
    """
    needed = connections + _BURST
    soft, hard = get(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return needed, needed
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if allowed > soft:
        try:
            put(resource.RLIMIT_NOFILE, (allowed, hard))
        except (OSError, ValueError):  # the system has a limit that it does not name
            return soft, needed
    return allowed, needed
