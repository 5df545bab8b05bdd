"""Names of platforms in licences: `linux-x86_64`, `linux-aarch64`, `macos-arm64`, `windows-x86_64`."""

from __future__ import annotations

import re

from senseid_licensing.errors import ArgumentError

_SYSTEMS = {"darwin": "macos"}
_MACHINES = {"amd64": "x86_64", "x64": "x86_64"}
_FORM = re.compile(r"[a-z0-9]{2,16}-[a-z0-9_]{2,24}", re.ASCII)


def platform_name(system: str, machine: str) -> str:
    """The name for the values of `platform.system()` and `platform.machine()`."""
    system, machine = system.lower(), machine.lower()
    return f"{_SYSTEMS.get(system, system)}-{_MACHINES.get(machine, machine)}"


def check_platform(name: str) -> str:
    """Return a platform's name, or raise `ArgumentError` if it is malformed."""
    if not _FORM.fullmatch(name):
        raise ArgumentError(f"{name[:40]!r} is not a platform", remedy="write it like linux-x86_64")
    return name
