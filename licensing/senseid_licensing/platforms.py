"""Names of platforms as licences write them: `linux-x86_64`, `linux-aarch64`, `macos-arm64`, `windows-x86_64`."""

from __future__ import annotations

import re

from senseid_licensing.errors import ArgumentError

_SYSTEMS = {"darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64"}
_FORM = re.compile(r"[a-z0-9]{2,16}-[a-z0-9_]{2,24}", re.ASCII)


def platform_name(system: str, machine: str) -> str:
    """The name for what `platform.system()` and `platform.machine()` answer."""
    system, machine = system.lower(), machine.lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"


def check_platform(name: str) -> str:
    """Gives a platform's name back, or raises `ArgumentError` if it does not have the form of one."""
    if not _FORM.fullmatch(name):
        raise ArgumentError(f"{name[:40]!r} is not a platform", remedy="write it like linux-x86_64")
    return name
