"""The macOS probe: `sysctl`, `ioreg` and `networksetup`, all of which a normal user may ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from senseid_licensing.udid.fingerprint import Fingerprint, Surroundings
from senseid_licensing.udid.placeholders import is_placeholder
from senseid_licensing.udid.reading import Kind, Reading, missing, present

if TYPE_CHECKING:
    from senseid_licensing.udid.command import Run

_PLATFORM = ("ioreg", "-rd1", "-c", "IOPlatformExpertDevice")
_DISK = ("ioreg", "-rd1", "-c", "IONVMeController")
_PORTS = ("networksetup", "-listallhardwareports")
_PORT = re.compile(
    r"Hardware Port: (.+)\nDevice: \S+\nEthernet Address: ((?:[0-9a-f]{2}:){5}[0-9a-f]{2})", re.IGNORECASE
)
_BUILT_IN_PORT = re.compile(r"Ethernet|Wi-Fi", re.ASCII)
_ADDED_PORT = re.compile(r"USB|Thunderbolt|Bluetooth|Adapter", re.IGNORECASE)


class MacProbe:
    """Reads a Mac through a `Run`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self) -> Fingerprint:
        """Read all components."""
        platform = self._run(_PLATFORM)
        guest = self._sysctl("kern.hv_vmm_present") == "1"
        readings = (
            _one(Kind.CPU, self._sysctl("machdep.cpu.brand_string"), "sysctl machdep.cpu.brand_string", unique=False),
            _one(Kind.BOARD, self._sysctl("hw.model"), "sysctl hw.model", unique=False),
            _one(Kind.SYSTEM, _value(platform, "IOPlatformUUID"), "ioreg IOPlatformUUID", unique=True),
            missing(Kind.MACHINE_ID, "macOS", "this system has none"),
            _one(Kind.DISK, _value(self._run(_DISK), "Serial Number"), "ioreg IONVMeController", unique=True),
            _nic(self._run(_PORTS)),
        )
        return Fingerprint(readings, Surroundings(hypervisor="kern.hv_vmm_present" if guest else None))

    def _sysctl(self, name: str) -> str:
        return self._run(("sysctl", "-n", name)).strip()


def _value(text: str, name: str) -> str:
    found = re.search(rf'"{name}" = "([^"]*)"', text)
    return found[1] if found else ""


def _one(kind: Kind, value: str, source: str, *, unique: bool) -> Reading:
    if is_placeholder(value):
        return missing(kind, source, "the system does not say")
    return present(kind, [value], source, unique=unique)


def _nic(text: str) -> Reading:
    ports = [(name, address) for name, address in _PORT.findall(text) if not _ADDED_PORT.search(name)]
    addresses = [address for name, address in ports if _BUILT_IN_PORT.search(name) and not is_placeholder(address)]
    if not addresses:
        return missing(Kind.NIC, "networksetup", "no built-in network port is listed")
    return present(Kind.NIC, addresses, "networksetup", unique=True)
