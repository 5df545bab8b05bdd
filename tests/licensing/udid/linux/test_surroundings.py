from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from senseid_licensing.udid.linux import LinuxProbe
from senseid_licensing.udid.reading import Kind
from tests.licensing.udid.linux.conftest import MACHINE_ID, read, reading


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


def test_this_machine_reads_without_a_subprocess(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the Linux probe")
    started: list[object] = []
    # An audit hook would stay, and before Python 3.12 a thread may not begin to be measured while another one is in it.
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda _, words, **options: started.append((words, options)))
    machine = LinuxProbe(Path("/")).read()
    assert machine.udid
    assert started == []
