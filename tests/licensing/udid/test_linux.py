from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing.udid.linux import LinuxProbe
from senseid_licensing.udid.linux_ethtool import ask_card
from senseid_licensing.udid.reading import Kind, Reading, component_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from senseid_licensing.udid.fingerprint import Fingerprint

MACHINE_ID = "8f7ac1c9c1d34f0fb4c6f6b1a9d2e3f4"


def read(machine: Any) -> Fingerprint:
    return LinuxProbe(machine.root).read()


def reading(machine: Any, kind: Kind) -> Reading:
    return next(found for found in read(machine).readings if found.kind is kind)


def first(machine: Any, kind: Kind) -> str:
    return reading(machine, kind).hashes[0]


def test_a_server_shows_all_that_everybody_may_read(server: Any) -> None:
    machine = read(server)
    assert [found.kind for found in machine.readings] == list(Kind)
    assert {found.kind for found in machine.readings if found.hashes} == {*Kind} - {Kind.SYSTEM}
    assert set(machine.components) == {"machine_id", "disk", "nic"}
    assert machine.unique
    system = reading(server, Kind.SYSTEM)
    assert system.hashes == ()
    assert "readable by root only" in system.note
    assert machine.surroundings.container is machine.surroundings.hypervisor is None
    assert machine.surroundings.clones == ()


def test_no_raw_serial_leaves_the_probe(server: Any) -> None:
    shown = repr(read(server)).lower()
    for secret in ("s4evnx", "4c:d9", "a0:36", MACHINE_ID, "4c4c4544"):
        assert secret not in shown


# The UDID stays.


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


# What somebody put over the kernel's own files.


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system than the tests': what is linked there looks like a mount."""
    if not os.path.ismount("/dev/shm"):
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("place", ["net/eno1/address", "net/eno1"])
def test_an_address_that_was_mounted_over_does_not_count(server: Any, elsewhere: Path, place: str) -> None:
    """As by `mount --bind fake /sys/class/net/eno1/address`, one command that made another machine of this one."""
    for name, text in (("address", "4c:d9:8f:00:00:09"), ("addr_assign_type", "0")):
        (elsewhere / name).write_text(text)
    covered = server.root / "sys/devices/pci0000:00/0000:00:1f.6" / place
    fake = elsewhere
    if covered.is_dir():
        (elsewhere / "device").symlink_to(covered.parents[1])
        shutil.rmtree(covered)
    else:
        fake = elsewhere / "address"
        covered.unlink()
    covered.symlink_to(fake)
    assert component_hash(Kind.NIC, "4c:d9:8f:00:00:09") not in reading(server, Kind.NIC).hashes


def test_a_sysfs_that_is_none_tells_nothing(server: Any) -> None:
    mounts = (server.root / "proc/self/mountinfo").read_text()
    real = "30 27 0:22 / /sys rw - sysfs sysfs rw\n"
    assert read(server.write("/proc/self/mountinfo", mounts + real)).components
    server.write("/proc/self/mountinfo", mounts + real + "31 30 0:99 / /sys rw - tmpfs tmpfs rw\n")
    assert set(read(server).components) == {"machine_id", "cpu"}


def test_a_machine_id_that_was_mounted_over_does_not_count(server: Any) -> None:
    mounts = (server.root / "proc/self/mountinfo").read_text()
    server.write("/proc/self/mountinfo", mounts + "31 27 0:99 /id /etc/machine-id rw - tmpfs tmpfs rw\n")
    machine_id = reading(server, Kind.MACHINE_ID)
    assert (machine_id.hashes, machine_id.note) == ((), "something is mounted over it")


def test_the_kernel_is_asked_for_a_cards_address_before_its_files(server: Any) -> None:
    server.write("/sys/devices/pci0000:00/0000:00:1f.6/net/eno1/address", "4c:d9:8f:00:00:09")
    known = {"eno1": "4c:d9:8f:00:00:01"}
    machine = LinuxProbe(server.root, lambda name: known.get(name, "")).read()
    wanted = [component_hash(Kind.NIC, address) for address in ("4c:d9:8f:00:00:01", "a0:36:9f:00:00:02")]
    assert list(machine.readings[-1].hashes) == wanted


@pytest.mark.skipif(sys.platform != "linux", reason="the Linux probe")
def test_asking_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    assert ask_card("no-such-card") == ""
    assert ask_card("lo") == ""  # it has none
    for card in Path("/sys/class/net").iterdir():
        kept = (card / "address").read_text().strip()
        if (card / "addr_assign_type").read_text().strip() == "0" and (card / "device").exists():
            assert ask_card(card.name) in ("", kept)

    def driver(_: object, __: int, request: bytes) -> None:
        name, pointer = struct.unpack("16sP16x", request)
        assert name.rstrip(b"\0") == b"eth0"
        ctypes.memmove(pointer + 4, struct.pack("=I", 6) + bytes.fromhex("a0369f000007"), 10)

    monkeypatch.setattr(fcntl, "ioctl", driver)
    assert ask_card("eth0") == "a0:36:9f:00:00:07"


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user")
def test_root_and_a_normal_user_read_the_same(server: Any) -> None:
    # pytest makes folders for its user only, one more of them in a parallel run.
    for folder in (server.root, *server.root.parents):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o755)
    code = (
        "import os, pathlib, sys\n"
        "from senseid_licensing.udid.linux import LinuxProbe\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(LinuxProbe(pathlib.Path(sys.argv[1])).read().udid)"
    )
    for root in (server.root, Path("/")):
        user = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
        assert user.stdout.strip() == LinuxProbe(root).read().udid


# CPU, board, system, machine id.


def test_a_machine_without_anything_says_so(bare: Any) -> None:
    machine = read(bare)
    assert not machine.unique
    assert all(not found.hashes and found.note for found in machine.readings)


def test_an_arm_board(bare: Any) -> None:
    bare.write(
        "/proc/cpuinfo",
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\n\nSerial\t\t: 10000000abcdef01\n",
    )
    bare.write("/sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    assert set(read(bare).components) == {"board", "system"}
    assert first(bare, Kind.SYSTEM) == component_hash(Kind.SYSTEM, "10000000ABCDEF01")
    assert first(bare, Kind.BOARD) == component_hash(Kind.BOARD, "Raspberry Pi 4 Model B Rev 1.4")
    bare.write("/sys/firmware/devicetree/base/serial-number", "10000000abcdef01\0")
    assert reading(bare, Kind.SYSTEM).source.endswith("serial-number")
    assert first(bare, Kind.SYSTEM) == component_hash(Kind.SYSTEM, "10000000abcdef01")


def test_a_serial_that_everybody_may_read_counts(server: Any) -> None:
    server.write("/sys/class/dmi/id/product_uuid", "4C4C4544-0051-3510-8052-B4C04F4A3032", 0o444)
    system = reading(server, Kind.SYSTEM)
    assert (system.hashes, system.unique) == (
        (component_hash(Kind.SYSTEM, "4c4c4544-0051-3510-8052-b4c04f4a3032"),),
        True,
    )


@pytest.mark.parametrize(
    "uuid", ["03000200-0400-0500-0006-000700080009", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "Default string"]
)
def test_a_default_serial_does_not_count(server: Any, uuid: str) -> None:
    server.write("/sys/class/dmi/id/product_uuid", uuid, 0o444)
    system = reading(server, Kind.SYSTEM)
    assert (system.hashes, system.note) == ((), "the firmware gives no serial number")


def test_a_board_of_defaults_does_not_count(bare: Any) -> None:
    bare.write("/sys/class/dmi/id/board_name", "To be filled by O.E.M.\n").write("/sys/class/dmi/id/sys_vendor", "\n")
    assert reading(bare, Kind.BOARD).hashes == ()


@pytest.mark.parametrize("value", ["", "uninitialized\n", "0" * 32, "8f7a", MACHINE_ID.upper()])
def test_a_machine_id_that_is_not_set(server: Any, value: str) -> None:
    server.write("/etc/machine-id", value)
    assert reading(server, Kind.MACHINE_ID).note == "not there, or not set"


# Disks.


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


# Network cards.


def test_the_card_on_the_board_counts_before_one_nearer_on_the_bus(server: Any) -> None:
    nic = reading(server, Kind.NIC)
    wanted = [component_hash(Kind.NIC, address) for address in ("4c:d9:8f:00:00:01", "a0:36:9f:00:00:02")]
    assert (list(nic.hashes), nic.unique) == (wanted, True)


def test_bus_order_is_natural(bare: Any) -> None:
    bare.nic("b", "pci0000:00/virtio10", "a0:36:9f:00:00:10").nic("a", "pci0000:00/virtio9", "a0:36:9f:00:00:09")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:09")


def test_an_address_of_the_hypervisors_is_not_unique(bare: Any) -> None:
    bare.nic("eth0", "pci0000:00/virtio2", "02:FC:00:00:00:01")
    nic = reading(bare, Kind.NIC)
    assert (nic.unique, bool(nic.hashes)) == (False, True)
    assert "others may have it too" in nic.note
    assert not read(bare).unique
    bare.nic("eth1", "pci0000:00/virtio3", "a0:36:9f:00:00:02")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:02")


def test_bonded_and_wireless_cards_keep_their_own_address(bare: Any) -> None:
    device = "pci0000:00/0000:00:03.0"
    bare.nic("eth0", device, "aa:aa:aa:00:00:01", assigned="3")
    assert reading(bare, Kind.NIC).note == "no card tells its permanent address"
    bare.write(f"/sys/devices/{device}/net/eth0/bonding_slave/perm_hwaddr", "a0:36:9f:00:00:07\n")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:07")
    bare.write(f"/sys/devices/{device}/net/eth0/phy80211/macaddress", "a0:36:9f:00:00:08\n")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:08")


@pytest.mark.parametrize("address", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "80:00:00:48", ""])
def test_addresses_that_are_none(bare: Any, address: str) -> None:
    bare.nic("ib0", "pci0000:00/0000:00:04.0", address)
    assert reading(bare, Kind.NIC).hashes == ()


# Surroundings.


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("/.dockerenv", "", "/.dockerenv"),
        ("/run/.containerenv", "engine=podman", "/run/.containerenv"),
        ("/run/systemd/container", "lxc", "/run/systemd/container"),
        ("/proc/1/cgroup", "0::/kubepods.slice/pod1\n", "/proc/1/cgroup names kubepods"),
        (
            "/proc/self/mountinfo",
            "9 1 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n",
            "the root file system is an overlay of docker",
        ),
    ],
)
def test_a_container_is_said_and_its_machine_id_does_not_count(server: Any, name: str, content: str, says: str) -> None:
    server.write(name, content)
    machine = read(server)
    assert machine.surroundings.container == says
    assert "machine_id" not in machine.components
    assert "container's image" in reading(server, Kind.MACHINE_ID).note


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("/proc/version", "Linux version 5.15 (Microsoft@Microsoft.com)", "Windows Subsystem for Linux"),
        ("/sys/hypervisor/type", "xen\n", "xen"),
        ("/sys/class/dmi/id/sys_vendor", "QEMU\n", "qemu"),
        ("/sys/class/dmi/id/product_name", "VMware Virtual Platform\n", "vmware"),
        ("/proc/cpuinfo", "vendor_id: AuthenticAMD\nflags: fpu hypervisor lahf_lm\n", "the processor says so"),
    ],
)
def test_a_virtual_machine_is_said(server: Any, name: str, content: str, says: str) -> None:
    assert read(server.write(name, content)).surroundings.hypervisor == says


def test_a_cloned_machine_id_is_said_and_is_not_unique(bare: Any) -> None:
    bare.write("/etc/machine-id", MACHINE_ID).write("/var/lib/dbus/machine-id", MACHINE_ID + "\n")
    assert read(bare).unique
    bare.write("/var/lib/dbus/machine-id", "0" + MACHINE_ID[1:])
    machine = read(bare)
    assert not machine.unique
    assert "differ" in machine.surroundings.clones[0]


def test_a_machine_id_older_than_its_cloud_instance(bare: Any) -> None:
    cloud = "/var/lib/cloud/data"
    bare.write("/etc/machine-id", MACHINE_ID).write(f"{cloud}/instance-id", "i-2")
    os.utime(bare.root / "etc/machine-id", (1_000, 1_000))
    os.utime(bare.root / "var/lib/cloud/data/instance-id", (2_000, 2_000))
    for previous in ("NO_PREVIOUS_INSTANCE_ID", "i-2"):
        assert read(bare.write(f"{cloud}/previous-instance-id", previous)).unique
    machine = read(bare.write(f"{cloud}/previous-instance-id", "i-1"))
    assert not machine.unique
    assert "older than this cloud instance" in machine.surroundings.clones[0]
    os.utime(bare.root / "etc/machine-id", (3_000, 3_000))
    assert read(bare).unique
    assert read(bare.remove("/etc/machine-id")).surroundings.clones == ()


def test_this_machine_reads_quickly_and_without_a_subprocess() -> None:
    if sys.platform != "linux":
        pytest.skip("the Linux probe")
    started: list[str] = []
    sys.addaudithook(lambda event, _: started.append(event) if event == "subprocess.Popen" else None)
    machine = LinuxProbe(Path("/")).read()
    assert machine.udid
    assert started == []
