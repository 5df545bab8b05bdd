"""Recorded trees of Linux machines, built below a temporary directory."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest

CPU = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 158
model name\t: Intel(R) Xeon(R) E-2176G CPU @ 3.70GHz
stepping\t: 10
microcode\t: 0xf4
cpu MHz\t\t: 800.012
flags\t\t: fpu vme sse sse2 avx{extra}

processor\t: 1
vendor_id\t: GenuineIntel
"""
UUID = "4c4c4544-0051-3510-8052-b4c04f4a3032"
MACHINE_ID = "8f7ac1c9c1d34f0fb4c6f6b1a9d2e3f4"


class Machine:
    """A tree like a server's: two NVMe disks, two network cards, one of everything else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str | bytes, mode: int = 0o444) -> Self:
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return self

    def link(self, name: str, target: str) -> Self:
        """A symbolic link as sysfs has them: relative, inside the tree."""
        path = self.root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(*[".."] * (len(path.relative_to(self.root).parts) - 1), target.lstrip("/")))
        return self

    def remove(self, name: str) -> Self:
        path = self.root / name.lstrip("/")
        path.chmod(0o644)
        path.unlink()
        return self

    def disk(self, name: str, device: str, serial: str = "", file: str = "device/serial") -> Self:
        folder = f"/sys/devices/{device}/block/{name}"
        self.write(f"{folder}/removable", "0\n")
        if serial:
            self.write(f"{folder}/{file}", serial + "\n")
        return self.link(f"/sys/block/{name}", folder)

    def nic(self, name: str, device: str, address: str, assigned: str = "0", onboard: str = "") -> Self:
        folder = f"/sys/devices/{device}/net/{name}"
        self.write(f"{folder}/address", address + "\n").write(f"{folder}/addr_assign_type", assigned + "\n")
        if onboard:
            self.write(f"/sys/devices/{device}/acpi_index", onboard + "\n")
        self.link(f"{folder}/device", f"/sys/devices/{device}")
        return self.link(f"/sys/class/net/{name}", folder)

    def mount_root(self, number: str, source: str, kind: str = "ext4", options: str = "rw") -> Self:
        return self.write(
            "/proc/self/mountinfo",
            f"22 1 0:21 / /proc rw - proc proc rw\n27 1 {number} / / rw shared:1 - {kind} {source} {options}\n",
        )


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A root without anything."""
    root = tmp_path / "bare"
    root.mkdir()
    return Machine(root)


@pytest.fixture
def server(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    root.mkdir()
    machine = Machine(root)
    machine.write("/proc/cpuinfo", CPU.format(extra=""))
    for name, value in {"sys_vendor": "Dell Inc.", "product_name": "PowerEdge R240", "board_name": "0H0P4V"}.items():
        machine.write(f"/sys/class/dmi/id/{name}", value + "\n")
    machine.write("/sys/class/dmi/id/product_uuid", UUID + "\n", 0o400)
    machine.write("/etc/machine-id", MACHINE_ID + "\n")
    machine.disk("nvme0n1", "pci0000:00/0000:00:1d.0/nvme0", "S4EVNX0M700001")
    machine.disk("nvme1n1", "pci0000:00/0000:00:1d.4/nvme1", "S4EVNX0M700002")
    machine.write("/sys/devices/pci0000:00/0000:00:1d.4/nvme1/block/nvme1n1/nvme1n1p2/partition", "2\n")
    machine.link("/sys/dev/block/259:3", "/sys/devices/pci0000:00/0000:00:1d.4/nvme1/block/nvme1n1/nvme1n1p2")
    machine.mount_root("259:3", "/dev/nvme1n1p2")
    machine.nic("eno1", "pci0000:00/0000:00:1f.6", "4c:d9:8f:00:00:01", onboard="1")
    machine.nic("enp2s0", "pci0000:00/0000:00:02.0", "a0:36:9f:00:00:02")
    machine.write("/proc/version", "Linux version 6.1.0 (gcc)\n")
    return machine
