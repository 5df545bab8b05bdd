from __future__ import annotations

from typing import Any

import pytest

from senseid_licensing.udid.reading import Kind, component_hash
from tests.licensing.udid.linux.conftest import first, reading


def test_the_disk_of_the_root_file_system_counts_and_the_other_may_stand_in(server: Any) -> None:
    disk = reading(server, Kind.DISK)
    wanted = [component_hash(Kind.DISK, serial) for serial in ("S4EVNX0M700002", "S4EVNX0M700001")]
    assert (list(disk.hashes), disk.unique, disk.source) == (wanted, True, "/sys/block/nvme1n1")


def test_down_through_lvm_and_encryption(server: Any) -> None:
    server.link("/sys/dev/block/253:0", "/sys/devices/virtual/block/dm-1")
    server.link("/sys/devices/virtual/block/dm-1/slaves/dm-0", "/sys/devices/virtual/block/dm-0")
    part = "/sys/devices/pci0000:00/0000:00:1d.4/nvme1/block/nvme1n1/nvme1n1p2"
    server.link("/sys/devices/virtual/block/dm-0/slaves/nvme1n1p2", part)
    server.mount_root("253:0", "/dev/mapper/root")
    assert reading(server, Kind.DISK).source == "/sys/block/nvme1n1"


def test_slaves_that_lead_in_a_circle_end(server: Any) -> None:
    server.link("/sys/dev/block/253:0", "/sys/devices/virtual/block/dm-0")
    server.link("/sys/devices/virtual/block/dm-0/slaves/dm-0", "/sys/devices/virtual/block/dm-0")
    server.mount_root("253:0", "/dev/mapper/root")
    assert reading(server, Kind.DISK).source == "/sys/block/nvme0n1"


def test_btrfs_numbers_its_mounts_itself(server: Any) -> None:
    part = "/sys/devices/pci0000:00/0000:00:1d.4/nvme1/block/nvme1n1/nvme1n1p2"
    server.link("/sys/class/block/nvme1n1p2", part)
    server.mount_root("0:30", "/dev/nvme1n1p2", "btrfs")
    assert reading(server, Kind.DISK).source == "/sys/block/nvme1n1"


def test_without_a_root_disk_the_first_on_the_bus_counts(server: Any) -> None:
    server.mount_root("0:50", "overlay", "overlay")
    assert reading(server, Kind.DISK).source == "/sys/block/nvme0n1"
    server.write("/proc/self/mountinfo", "nonsense\n1 2 3 / /\n")
    assert reading(server, Kind.DISK).source == "/sys/block/nvme0n1"


@pytest.mark.parametrize(
    ("file", "content", "serial"),
    [
        ("serial", b"1796639326083483", "1796639326083483"),
        ("device/vpd_pg80", b"\0\x80\0\x14      WD-WCC4N1234567", "WD-WCC4N1234567"),
        ("device/wwid", b"naa.5000c500a1b2c3d4\n", "naa.5000c500a1b2c3d4"),
        ("device/cid", b"1b534d454231515430c0ffee00000000\n", "1b534d454231515430c0ffee00000000"),
    ],
)
def test_where_disks_keep_their_serials(bare: Any, file: str, content: bytes, serial: str) -> None:
    bare.disk("vda", "pci0000:00/virtio1")
    bare.write(f"/sys/devices/pci0000:00/virtio1/block/vda/{file}", content)
    assert first(bare, Kind.DISK) == component_hash(Kind.DISK, serial)


def test_an_nvme_disk_with_several_ways_to_it_is_no_virtual_one(bare: Any) -> None:
    bare.disk("nvme0n1", "virtual/nvme-subsystem/nvme-subsys0", "S4EVNX0M700001")
    assert first(bare, Kind.DISK) == component_hash(Kind.DISK, "S4EVNX0M700001")


@pytest.mark.parametrize("serial", ["", "QM00001", "drive-scsi0", "000000000000"])
def test_a_disk_without_a_serial_of_its_own(bare: Any, serial: str) -> None:
    bare.disk("sda", "pci0000:00/ata1", serial)
    assert reading(bare, Kind.DISK).note == "the disks tell no serial number"


def test_disks_that_do_not_count(bare: Any) -> None:
    bare.disk("sr0", "pci0000:00/ata2", "CDROM1").write("/sys/devices/pci0000:00/ata2/block/sr0/removable", "1\n")
    bare.write("/sys/block/gone", "not a link")
    (bare.root / "sys/block/dangling").symlink_to("../nowhere")
    (bare.root / "sys/block/outside").symlink_to("/etc")
    assert reading(bare, Kind.DISK).note in ("no built-in disk is visible", "the disks tell no serial number")
