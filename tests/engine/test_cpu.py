"""The CPU quota of a container, in made-up roots."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from senseid_engine.cpu import available_cpus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def sixteen_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.fsencode(text))


def version_2(root: Path, own: str, limits: dict[str, str]) -> None:
    write(root / "proc/self/cgroup", f"0::{own}\n")
    for group, limit in limits.items():
        write(root / "sys/fs/cgroup" / group / "cpu.max", limit + "\n")


def version_1(root: Path, quota: str, period: str) -> None:
    write(root / "proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n")
    write(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota + "\n")
    write(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us", period + "\n")


def test_without_any_cgroup_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cpus(tmp_path) == 16


def test_systems_without_affinity_count_their_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert available_cpus(tmp_path) == 12
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cpus(tmp_path) == 1


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [
        ("max 100000", 16),
        ("400000 100000", 4),
        ("250000 100000", 2),
        ("199999 100000", 1),
        ("50000 100000", 1),
        ("1000 1000000", 1),
        ("150000 50000", 3),
        ("3200000 100000", 16),
    ],
)
def test_the_quota_of_a_container(tmp_path: Path, limit: str, cpus: int) -> None:
    version_2(tmp_path, "/", {".": limit})
    assert available_cpus(tmp_path) == cpus


def test_the_tightest_of_nested_groups_counts(tmp_path: Path) -> None:
    limits = {"kube": "800000 100000", "kube/pod": "300000 100000", "kube/pod/box": "max 100000"}
    version_2(tmp_path, "/kube/pod/box", limits)
    assert available_cpus(tmp_path) == 3


def test_a_group_beside_the_own_one_does_not_count(tmp_path: Path) -> None:
    version_2(tmp_path, "/a", {"a": "600000 100000", "b": "100000 100000", "a/child": "100000 100000"})
    assert available_cpus(tmp_path) == 6


def test_a_container_that_does_not_see_the_groups_above_it(tmp_path: Path) -> None:
    # Without a cgroup namespace /proc names the group as the host sees it; its own limits are at the top.
    version_2(tmp_path, "/system.slice/docker-0123.scope", {".": "200000 100000"})
    assert available_cpus(tmp_path) == 2


@pytest.mark.parametrize("name", ["naïve", "b\udcff", "with space"])
def test_groups_may_have_any_name(tmp_path: Path, name: str) -> None:
    version_2(tmp_path, f"/{name}/box", {name: "300000 100000"})
    assert available_cpus(tmp_path) == 3


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 16), ("0", 16), ("200000", 2), ("350000", 3), ("30000", 1)])
def test_version_1(tmp_path: Path, quota: str, cpus: int) -> None:
    version_1(tmp_path, quota, "100000")
    assert available_cpus(tmp_path) == cpus


def test_a_quota_above_the_affinity_gives_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    version_2(tmp_path, "/", {".": "400000 100000"})
    assert available_cpus(tmp_path) == 2


def test_files_that_cannot_be_read_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/cgroup/cpu.max").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").mkdir(parents=True)
    assert available_cpus(tmp_path) == 16


def test_this_machine() -> None:
    assert 1 <= available_cpus() <= 16
