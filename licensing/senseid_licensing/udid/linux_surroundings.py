"""Signs of a container, a virtual machine or a cloned image on Linux: only those that any user can see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from senseid_licensing.udid.fingerprint import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_licensing.udid.tree import Tree

_MARKERS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container", "/proc/vz/version")
_CGROUP = re.compile(r"docker|kubepods|containerd|libpod|lxc|garden", re.ASCII)
_OVERLAY = re.compile(r"\S*/(docker|containerd|containers|kubelet|buildkit)/\S*", re.ASCII)
_HYPERVISORS = (
    "qemu", "kvm", "vmware", "virtualbox", "innotek", "xen", "bochs", "parallels", "bhyve", "amazon ec2",
    "google compute engine", "virtual machine", "openstack", "nutanix", "hvm domu",
)  # fmt: skip
_CLOUD = "/var/lib/cloud/data"


def read_surroundings(tree: Tree, cpu: Mapping[str, str]) -> Surroundings:
    """Detect what the machine runs in."""
    return Surroundings(_container(tree), _hypervisor(tree, cpu), tuple(_clones(tree)))


def _container(tree: Tree) -> str | None:
    for marker in _MARKERS:
        if tree.is_there(marker):
            return marker
    if found := _CGROUP.search(tree.text("/proc/1/cgroup")):
        return f"/proc/1/cgroup names {found[0]}"
    if found := _OVERLAY.search(" ".join(tree.root_mount())):
        return f"the root file system is an overlay of {found[1]}"
    return None


def _hypervisor(tree: Tree, cpu: Mapping[str, str]) -> str | None:
    if "microsoft" in tree.text("/proc/version").lower():
        return "Windows Subsystem for Linux"
    if kind := tree.text("/sys/hypervisor/type"):
        return kind
    dmi = " ".join(tree.text(f"/sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name", "board_vendor"))
    for name in _HYPERVISORS:
        if name in dmi.lower():
            return name
    return "the processor says so" if "hypervisor" in cpu.get("flags", "").split() else None


def _clones(tree: Tree) -> list[str]:
    """Signs that the machine id came with an image."""
    signs = []
    own, bus = tree.text("/etc/machine-id"), tree.text("/var/lib/dbus/machine-id")
    if own and bus and own != bus:
        signs.append("/etc/machine-id and /var/lib/dbus/machine-id differ: one of them came with an image")
    instance, previous = tree.text(f"{_CLOUD}/instance-id"), tree.text(f"{_CLOUD}/previous-instance-id")
    if instance and previous not in ("", "NO_PREVIOUS_INSTANCE_ID", instance) and _is_older(tree):
        signs.append("/etc/machine-id is older than this cloud instance: it was made on another one")
    return signs


def _is_older(tree: Tree) -> bool:
    try:
        own, cloud = tree.path("/etc/machine-id").stat(), tree.path(f"{_CLOUD}/instance-id").stat()
    except OSError:
        return False
    return own.st_mtime < cloud.st_mtime
