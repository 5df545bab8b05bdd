from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

from tests.licensing.udid.linux.conftest import MACHINE_ID, read


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.write("/proc/cpuinfo", (m.root / "proc/cpuinfo").read_text().replace("800.012", "3700.5")),
        lambda m: m.write("/proc/cpuinfo", (m.root / "proc/cpuinfo").read_text().replace("0xf4", "0xf8")),
        lambda m: m.nic("enp3s0", "pci0000:00/0000:00:01.0", "00:11:22:00:00:03"),
        lambda m: m.nic("usb0", "pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0", "00:11:22:00:00:04"),
        lambda m: m.nic("docker0", "virtual/net/docker0", "02:42:00:00:00:05"),
        lambda m: m.nic("wlan9", "pci0000:00/0000:00:00.1", "a2:11:22:00:00:06", assigned="3"),
        lambda m: m.disk("sda", "pci0000:00/0000:00:14.0/usb2/2-1/host0/target0:0:0/0:0:0:0", "USB123"),
        lambda m: m.disk("sdb", "pci0000:00/0000:00:01.0/ata1/host1/target1:0:0/1:0:0:0", "WD-1234"),
        lambda m: m.disk("loop0", "virtual/block/loop0", "LOOP"),
        lambda m: m.write("/sys/class/dmi/id/product_uuid", "another-uuid-0123", 0o400),
        lambda m: m.write("/sys/class/dmi/id/bios_version", "2.3.4"),
    ],
    ids=["reboot", "microcode", "added card", "usb card", "bridge", "random wifi", "usb disk", "added disk", "loop",
         "root", "bios"],
)  # fmt: skip
def test_the_udid_stays(server: Any, change: Callable[[object], object]) -> None:
    before = read(server).udid
    change(server)
    assert read(server).udid == before


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.write("/etc/machine-id", "1" + MACHINE_ID[1:]),
        lambda m: m.write("/sys/devices/pci0000:00/0000:00:1d.4/nvme1/block/nvme1n1/device/serial", "OTHER-9"),
        lambda m: m.write("/sys/devices/pci0000:00/0000:00:1f.6/net/eno1/address", "4c:d9:8f:00:00:09"),
    ],
    ids=["machine id", "root disk", "onboard card"],
)
def test_another_machine_has_another_udid(server: Any, change: Callable[[object], object]) -> None:
    before = read(server)
    change(server)
    after = read(server)
    assert after.udid != before.udid
    assert len(after.match(before.components).changed) == 1


def test_a_model_counts_for_a_licence_that_is_bound_to_it(server: Any) -> None:
    before = read(server)
    everything = {found.kind.value: found.hashes[0] for found in before.readings if found.hashes}
    server.write("/proc/cpuinfo", (server.root / "proc/cpuinfo").read_text().replace("158", "165"))
    after = read(server)
    assert after.udid == before.udid
    assert after.match(everything).changed == ("cpu",)
    server.write("/sys/class/dmi/id/board_name", "other")
    assert not read(server).match(everything).ok
