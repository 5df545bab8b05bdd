"""Serial numbers of built-in disks. The disk that the system runs from counts; others may match in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.udid.natural import natural
from senseid_licensing.udid.placeholders import is_placeholder
from senseid_licensing.udid.reading import Kind, Reading, missing, present

if TYPE_CHECKING:
    from senseid_licensing.udid.tree import Tree

_SOURCE = "/sys/block"
# The page of SCSI vital product data that holds the serial begins with a header of four bytes.
_VPD = "device/vpd_pg80"
# virtio; NVMe; SD and eMMC; SCSI and ATA; any other with a globally unique name.
_SERIALS = ("serial", "device/serial", "device/cid", _VPD, "device/wwid", "wwid")
_VPD_HEADER = 4


def read_disk(tree: Tree) -> Reading:
    """The serials of all built-in disks, that of the root file system's first. A USB disk never counts."""
    disks = {name: tree.device(f"{_SOURCE}/{name}") for name in tree.names(_SOURCE)}
    built_in = [name for name, device in disks.items() if _is_built_in(tree, name, device)]
    serials = {name: serial for name in built_in if (serial := _serial(tree, name))}
    if not serials:
        why = "the disks tell no serial number" if built_in else "no built-in disk is visible"
        return missing(Kind.DISK, _SOURCE, why)
    root = _root_disk(tree)
    order = sorted(serials, key=lambda name: (name != root, natural(disks[name])))
    return present(Kind.DISK, [serials[name] for name in order], f"{_SOURCE}/{order[0]}", unique=True)


def _is_built_in(tree: Tree, name: str, device: str) -> bool:
    # A kernel that can reach an NVMe disk by several paths shows it as virtual.
    real = "/virtual/" not in device or "/nvme-subsystem/" in device
    return bool(device) and real and "/usb" not in device and tree.text(f"{_SOURCE}/{name}/removable") != "1"


def _serial(tree: Tree, name: str) -> str:
    for entry in _SERIALS:
        data = tree.octets(f"{_SOURCE}/{name}/{entry}")
        value = data[_VPD_HEADER if entry == _VPD else 0 :].decode("utf-8", "replace").strip(" \t\r\n\0")
        if not is_placeholder(value):
            return value
    return ""


def _root_disk(tree: Tree) -> str:
    """The name of the disk under the root file system; empty if there is none (a container, a network root)."""
    mount = tree.root_mount()
    if not mount:
        return ""
    source = mount[mount.index("-") + 2]
    # btrfs numbers its mounts itself, so that the name of its source has to do.
    device = tree.device(f"/sys/dev/block/{mount[2]}") or tree.device(
        f"/sys/class/block/{source.removeprefix('/dev/').replace('/', '!')}"
    )
    # Down through LVM, encryption and RAID to a physical device.
    for _ in range(8):
        below = tree.names(f"{device}/slaves") if device else []
        if not below:
            break
        device = tree.device(f"{device}/slaves/{below[0]}")
    if device and tree.text(f"{device}/partition"):
        device = device.rsplit("/", 1)[0]
    return device.rsplit("/", 1)[-1]
