"""The heap of a process that opens networks, on huge pages where the system has them (Linux with the GNU C library).

A network is 40 MB of weights that are unpacked, folded and laid out anew as it is opened. On pages of 4 KiB half of the
time of that is spent by the kernel, handing out 40,000 of them, and each run of it takes half as long again, looking
them up.
"""

from __future__ import annotations

import sys

SIZE = 256 << 20
"""Bytes of address space that the heap begins with: what it takes to open all networks. Nothing is used up before."""

_HUGE_PAGE = 2 << 20
_NEVER = 1 << 30
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MADV_HUGEPAGE = 14


def use_huge_pages() -> None:
    """Let the heap grow on huge pages, and keep what was freed. Where that cannot be had, little or nothing changes."""
    if sys.platform != "linux":
        return
    import ctypes

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # another C library
        return
    libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
    # One heap for all threads, large blocks in it too, and not given back in between.
    for option, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _NEVER), (_M_TRIM_THRESHOLD, _NEVER)):
        libc.mallopt(option, value)
    first = -(-libc.sbrk(0) // _HUGE_PAGE) * _HUGE_PAGE
    libc.free(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(SIZE))))
    length = (libc.sbrk(0) or 0) // _HUGE_PAGE * _HUGE_PAGE - first
    if length > 0:
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), _MADV_HUGEPAGE)
