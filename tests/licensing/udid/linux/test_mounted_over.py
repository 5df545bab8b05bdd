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
from senseid_licensing.udid.reading import Kind, component_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

from tests.licensing.udid.linux.conftest import read, reading


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
