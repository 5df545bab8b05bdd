"""The Windows probe: one PowerShell call for everything, because starting PowerShell takes most of the time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from senseid_licensing.udid.fingerprint import Fingerprint, Surroundings
from senseid_licensing.udid.placeholders import is_placeholder
from senseid_licensing.udid.reading import Kind, Reading, missing, present

if TYPE_CHECKING:
    from senseid_licensing.udid.command import Run

_SCRIPT = """
$ErrorActionPreference = 'SilentlyContinue'
$cpu = Get-CimInstance Win32_Processor | Select-Object -First 1
$board = Get-CimInstance Win32_BaseBoard
$computer = Get-CimInstance Win32_ComputerSystem
$disks = Get-PhysicalDisk | Where-Object BusType -notin 'USB','SD','Virtual'
$cards = Get-NetAdapter -Physical | Where-Object PnPDeviceID -notlike 'USB*'
@{
  cpu = @($cpu.Manufacturer, $cpu.Name, $cpu.Description)
  board = @($computer.Manufacturer, $computer.Model, $board.Manufacturer, $board.Product)
  system = @((Get-CimInstance Win32_ComputerSystemProduct).UUID)
  machine_id = @((Get-ItemProperty HKLM:\\SOFTWARE\\Microsoft\\Cryptography).MachineGuid)
  disk = @($disks | Sort-Object DeviceId | ForEach-Object SerialNumber)
  nic = @($cards | Sort-Object InterfaceDescription | ForEach-Object PermanentAddress)
  guest = [bool]$computer.HypervisorPresent
} | ConvertTo-Json -Compress
"""
COMMAND = ("powershell.exe", "-NoProfile", "-NonInteractive", "-Command", _SCRIPT)
_MODELS = (Kind.CPU, Kind.BOARD)


class WindowsProbe:
    """Reads a Windows machine through a `Run`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def read(self) -> Fingerprint:
        """Read all components."""
        try:
            facts = json.loads(self._run(COMMAND))
        except ValueError:
            facts = {}
        facts = facts if isinstance(facts, dict) else {}
        guest = "HypervisorPresent" if facts.get("guest") is True else None
        return Fingerprint(tuple(_reading(kind, facts.get(kind)) for kind in Kind), Surroundings(hypervisor=guest))


def _reading(kind: Kind, found: object) -> Reading:
    texts = [text.strip() for text in found if isinstance(text, str)] if isinstance(found, list) else []
    values = [text for text in texts if not is_placeholder(text)]
    if not values:
        return missing(kind, "PowerShell", "the system does not say")
    if kind in _MODELS:
        return present(kind, [";".join(texts)], "PowerShell", unique=False, note="a model, shared by many machines")
    return present(kind, values, "PowerShell", unique=True)
