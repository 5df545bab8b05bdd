"""Return of freed memory to the system, with the GNU C library, which does not always do it by itself."""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 128 * 1024


def give_back_what_is_large() -> None:
    """Return blocks of 128 KiB and more to the system when they are freed.

    Without a fixed threshold glibc learns from the first large body that such blocks are common, and keeps up to 32 MiB
    of each for the next.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)


def give_back() -> None:
    """Return all free memory now."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
