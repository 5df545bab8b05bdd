"""Memory that was freed, given back to the system, where the C library is GNU's and has to be told."""

from __future__ import annotations

import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 128 * 1024


def give_back_what_is_large() -> None:
    """Have blocks of 128 KiB and more returned when they are freed.

    Without a fixed threshold glibc learns from the first large body that such blocks are common, and keeps up to 32 MiB
    of each for the next.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)


def give_back() -> None:
    """Return everything that is free now."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
