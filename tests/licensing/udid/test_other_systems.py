"""The probes of macOS and Windows, on inputs in the form that those systems' tools document."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing.udid.command import run_command
from senseid_licensing.udid.linux import LinuxProbe
from senseid_licensing.udid.macos import MacProbe
from senseid_licensing.udid.probe import probe_for
from senseid_licensing.udid.reading import Kind, component_hash
from senseid_licensing.udid.windows import COMMAND, WindowsProbe

if TYPE_CHECKING:
    from collections.abc import Sequence

PLATFORM = """+-o J316sAP  <class IOPlatformExpertDevice, id 0x100000227>
    {
      "IOPlatformUUID" = "AAAAAAAA-BBBB-5CCC-8DDD-EEEEEEEEEEEE"
      "IOPlatformSerialNumber" = "C02ABC123456"
    }
"""
PORTS = """
Hardware Port: USB 10/100/1000 LAN
Device: en7
Ethernet Address: 00:e0:4c:00:00:07

Hardware Port: Wi-Fi
Device: en0
Ethernet Address: 3c:06:30:00:00:01

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:06:30:00:00:02
"""
MAC = {
    "sysctl -n machdep.cpu.brand_string": "Apple M1 Pro\n",
    "sysctl -n hw.model": "MacBookPro18,3\n",
    "sysctl -n kern.hv_vmm_present": "0\n",
    "ioreg -rd1 -c IOPlatformExpertDevice": PLATFORM,
    "ioreg -rd1 -c IONVMeController": '      "Serial Number" = "0ba0123456789abc"\n',
    "networksetup -listallhardwareports": PORTS,
}
WINDOWS: dict[str, Any] = {
    "cpu": ["GenuineIntel", "Intel(R) Core(TM) i7", "Intel64 Family 6 Model 158 Stepping 10"],
    "board": ["Dell Inc.", "OptiPlex 7060", "Dell Inc.", "0NC2VH"],
    "system": ["4C4C4544-0051-3510-8052-B4C04F4A3032"],
    "machine_id": ["5f4dcc3b-5aa7-65d6-1d83-27deb882cf99"],
    "disk": ["  S4EVNX0M700001 ", None, "S4EVNX0M700002"],
    "nic": ["4C-D9-8F-00-00-01"],
    "guest": False,
}


def mac(**changes: str) -> MacProbe:
    answers = {**MAC, **changes}

    def run(words: Sequence[str]) -> str:
        return answers.get(" ".join(words), "")

    return MacProbe(run)


def windows(answer: object) -> WindowsProbe:
    def run(words: Sequence[str]) -> str:
        assert words == COMMAND
        return answer if isinstance(answer, str) else json.dumps(answer)

    return WindowsProbe(run)


def test_a_mac() -> None:
    machine = mac().read()
    assert {found.kind for found in machine.readings if found.hashes} == {*Kind} - {Kind.MACHINE_ID}
    assert set(machine.components) == {"system", "disk", "nic"}
    assert machine.components["nic"] == component_hash(Kind.NIC, "3c:06:30:00:00:01")
    assert machine.components["system"] == component_hash(Kind.SYSTEM, "aaaaaaaa-bbbb-5ccc-8ddd-eeeeeeeeeeee")
    assert (machine.unique, machine.surroundings.hypervisor) == (True, None)


def test_a_mac_in_a_virtual_machine_and_one_that_says_nothing() -> None:
    assert mac(**{"sysctl -n kern.hv_vmm_present": "1\n"}).read().surroundings.hypervisor == "kern.hv_vmm_present"
    silent = MacProbe(lambda _: "").read()
    assert [reading.kind for reading in silent.readings] == list(Kind)
    assert all(not reading.hashes and reading.note for reading in silent.readings)


def test_a_windows_machine() -> None:
    machine = windows(WINDOWS).read()
    assert all(found.hashes for found in machine.readings)
    assert set(machine.components) == {"system", "machine_id", "disk", "nic"}
    disk = next(reading for reading in machine.readings if reading.kind is Kind.DISK)
    assert disk.hashes == tuple(component_hash(Kind.DISK, f"S4EVNX0M70000{number}") for number in (1, 2))
    assert [reading.unique for reading in machine.readings] == [False, False, True, True, True, True]
    assert machine.surroundings.hypervisor is None
    assert windows({**WINDOWS, "guest": True}).read().surroundings.hypervisor == "HypervisorPresent"


@pytest.mark.parametrize("answer", ["", "not JSON", "[]", {}, {"cpu": "text", "nic": [None], "disk": ["None"]}])
def test_windows_that_says_nothing(answer: object) -> None:
    machine = windows(answer).read()
    assert not machine.unique
    assert all(not reading.hashes and reading.note for reading in machine.readings)


def test_asking_a_tool() -> None:
    assert run_command((sys.executable, "-c", "print('answer')")).strip() == "answer"
    assert run_command((sys.executable, "-c", "print('x'); raise SystemExit(1)")) == ""
    assert run_command(("no-such-tool-here",)) == ""


def test_each_system_has_its_probe() -> None:
    assert isinstance(probe_for("Linux"), LinuxProbe)
    assert isinstance(probe_for("Darwin"), MacProbe)
    assert isinstance(probe_for("Windows"), WindowsProbe)
