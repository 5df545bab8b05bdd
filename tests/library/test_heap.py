"""The heap on huge pages, in a process of its own: it cannot be undone."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from senseid import heap

PROGRAM = """
from senseid import heap
heap.use_huge_pages()
block = bytes(range(256)) * (64 << 12)  # 64 MiB
text = open("/proc/self/smaps").read()
flags = text[text.index("[heap]"):].split("VmFlags:")
print(len(block), any("[heap]" in before and " hg" in after.splitlines()[0] for before, after in zip(flags, flags[1:])))
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallopt") or not Path("/sys/kernel/mm/transparent_hugepage").exists(),
    reason="huge pages of Linux, and the heap of the GNU C library",
)
def test_large_blocks_lie_on_huge_pages_of_the_heap() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"67108864 True\n", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
def test_where_there_is_no_room_it_is_left_as_it_is() -> None:
    limited = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({heap.SIZE}, {heap.SIZE}))\n"
        "from senseid import heap\n"
        "heap.use_huge_pages()\n"
        "print(len(bytes(1 << 20)))\n"
    )
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"1048576\n", b"")


def test_another_system_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    heap.use_huge_pages()
