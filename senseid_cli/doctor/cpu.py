"""The processor's instruction sets and how many of its cores this process may use."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_X86 = ("x86_64", "AMD64")
# x86-64-v2 minus the baseline of every 64-bit processor: the minimum for current builds of numpy. Linux names.
_NEEDED = ("ssse3", "sse4_1", "sse4_2", "popcnt", "cx16")
# onnxruntime uses slower code on processors without them.
_FAST = ("avx", "avx2", "fma")


def read_flags(root: Path, platform: str = sys.platform) -> frozenset[str]:
    """Read the flags of the first processor, by Linux names; none if they cannot be known.

    On Linux they are in `/proc/cpuinfo`; elsewhere the cpuinfo package asks, which takes a second.

    Args:
        root: the parent of `/proc`; tests pass another.
        platform: as in `sys.platform`.
    """
    try:
        text = (root / "proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset() if platform == "linux" else _ask()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _ask() -> frozenset[str]:
    import cpuinfo

    return frozenset(cpuinfo.get_cpu_info().get("flags", ()))


def check_flags(flags: Collection[str], machine: str) -> Finding:
    """Check that the models run, and run fast.

    Args:
        flags: the flags from `read_flags`.
        machine: the architecture, by its name in `platform.machine()`.
    """
    if machine not in _X86:
        return ok("cpu", f"{machine}; AVX is a matter of x86 processors only")
    if not flags:
        return note(
            "cpu", "the processor does not say what it can", "make /proc/cpuinfo readable, if this is a container"
        )
    if missing := [flag for flag in _NEEDED if flag not in flags]:
        return problem(
            "cpu",
            f"the processor has no {_names(missing)}, so numpy and onnxruntime do not start",
            "use a processor of x86-64-v2 or newer; for a virtual machine choose the host's CPU model",
        )
    if slow := [flag for flag in _FAST if flag not in flags]:
        return note(
            "cpu",
            f"the processor has no {_names(slow)}: models run, much more slowly",
            "use a machine with AVX2 and FMA; for a virtual machine choose the host's CPU model",
        )
    wide = ", AVX-512" if "avx512f" in flags else ""
    return ok("cpu", f"{machine} with {_names(_FAST)}{wide}")


def check_cores(usable: int, present: int, physical: int) -> Finding:
    """Report the cores for the models, and so a sensible number of worker processes.

    Args:
        usable: cores that the affinity mask and the cgroup quota allow.
        present: logical cores of the machine.
        physical: physical cores.
    """
    handlers = min(usable, physical)
    message = f"{usable} of {present} core{'s' * (present != 1)} may be used; HANDLERS is {handlers} at most"
    if physical != present:
        message += f" ({physical} physical)"
    if usable < present:
        return note("cores", message, "raise the CPU quota or the affinity mask of this container if that is too few")
    return ok("cores", message)


def _names(flags: Collection[str]) -> str:
    return ", ".join(flag.upper().replace("_", ".") for flag in flags)
