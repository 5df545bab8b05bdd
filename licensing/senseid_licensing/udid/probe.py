"""The choice of the probe for a system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from senseid_licensing.errors import UdidError

if TYPE_CHECKING:
    from senseid_licensing.udid.fingerprint import Fingerprint


class Probe(Protocol):
    """Something that reads the hardware of one machine."""

    def read(self) -> Fingerprint:
        """Read all components; one that cannot be read is missing, never an error."""
        ...


def probe_for(system: str) -> Probe:
    """The probe for a value of `platform.system()`; raises `UdidError` for an unsupported system."""
    if system == "Linux":
        from senseid_licensing.udid.linux import LinuxProbe
        from senseid_licensing.udid.linux_ethtool import ask_card

        return LinuxProbe(Path("/"), ask_card)
    from senseid_licensing.udid.command import run_command

    if system == "Darwin":
        from senseid_licensing.udid.macos import MacProbe

        return MacProbe(run_command)
    if system == "Windows":
        from senseid_licensing.udid.windows import WindowsProbe

        return WindowsProbe(run_command)
    raise UdidError(f"there is no hardware probe for {system}", remedy="run senseid on Linux, macOS or Windows")
