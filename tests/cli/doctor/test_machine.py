"""Processor, cores, memory, disk: made-up machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from senseid_cli.doctor.cpu import check_cores, check_flags, read_flags
from senseid_cli.doctor.disk import check_disk
from senseid_cli.doctor.finding import Status
from senseid_cli.doctor.memory import check_memory, read_limit
from senseid_cli.doctor.units import size_text

V2 = {"ssse3", "sse4_1", "sse4_2", "popcnt", "cx16"}
GIB = 1 << 30


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_flags_are_those_of_the_first_processor(tmp_path: Path) -> None:
    write(tmp_path / "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx fma\n\nprocessor\t: 1\nflags\t\t: fpu\n")
    assert read_flags(tmp_path) == {"fpu", "avx", "fma"}


def test_without_proc_the_processor_itself_is_asked(tmp_path: Path) -> None:
    assert read_flags(tmp_path, "darwin") & read_flags(Path("/"))


@pytest.mark.parametrize("text", [None, "processor\t: 0\n"])
def test_no_flags_is_no_verdict(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        write(tmp_path / "proc/cpuinfo", text)
    assert check_flags(read_flags(tmp_path), "x86_64").status is Status.NOTE


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (V2 | {"avx", "avx2", "fma"}, Status.OK, "AVX, AVX2, FMA"),
        (V2 | {"avx", "avx2", "fma", "avx512f"}, Status.OK, "AVX-512"),
        (V2, Status.NOTE, "no AVX, AVX2, FMA"),
        (V2 | {"avx"}, Status.NOTE, "no AVX2, FMA"),
        (V2 - {"sse4_2"}, Status.PROBLEM, "no SSE4.2"),
    ],
)
def test_instruction_sets(flags: set[str], status: Status, said: str) -> None:
    found = check_flags(flags, "x86_64")
    assert found.status is status
    assert said in found.message
    assert bool(found.remedy) == (status is not Status.OK)


def test_other_processors_need_no_avx() -> None:
    assert check_flags({"asimd"}, "aarch64").status is Status.OK


def test_cores() -> None:
    assert check_cores(8, 8, 4).message == "8 of 8 cores may be used; HANDLERS is 4 at most (4 physical)"
    assert check_cores(1, 1, 1).message == "1 of 1 core may be used; HANDLERS is 1 at most"
    limited = check_cores(2, 8, 8)
    assert limited.status is Status.NOTE
    assert "HANDLERS is 2 at most" in limited.message


def test_memory_limit_of_the_own_group_and_those_above_it(tmp_path: Path) -> None:
    assert read_limit(tmp_path) is None
    write(tmp_path / "proc/self/cgroup", "0::/site/senseid\n")
    write(tmp_path / "sys/fs/cgroup/site/senseid/memory.max", "max\n")
    assert read_limit(tmp_path) is None
    write(tmp_path / "sys/fs/cgroup/site/memory.max", f"{2 * GIB}\n")
    assert read_limit(tmp_path) == 2 * GIB


def test_memory_limit_of_version_1(tmp_path: Path) -> None:
    path = tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes"
    write(path, "9223372036854771712\n")
    assert read_limit(tmp_path) is None
    write(path, f"{GIB}\n")
    assert read_limit(tmp_path) == GIB


@pytest.mark.parametrize(
    ("available", "total", "limit", "status"),
    [
        (8 * GIB, 16 * GIB, None, Status.OK),
        (GIB, 16 * GIB, None, Status.NOTE),
        (GIB // 4, 16 * GIB, None, Status.PROBLEM),
        (8 * GIB, 16 * GIB, GIB // 4, Status.PROBLEM),
        (8 * GIB, 16 * GIB, 2 * GIB, Status.OK),
    ],
)
def test_memory(available: int, total: int, limit: int | None, status: Status) -> None:
    found = check_memory(available, total, limit)
    assert found.status is status
    assert ("the container's limit" in found.message) == (limit is not None)


def test_sizes() -> None:
    assert [size_text(n) for n in (0, 1023, 1536, 5 << 20, 3 << 29)] == [
        "0 bytes",
        "1023 bytes",
        "2 KiB",
        "5 MiB",
        "1.5 GiB",
    ]


@pytest.mark.parametrize(
    ("free", "status"), [(1 << 20, Status.PROBLEM), (100 << 20, Status.NOTE), (10 * GIB, Status.OK)]
)
def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: Status) -> None:
    asked = []

    class Usage:
        def __init__(self, path: Path) -> None:
            asked.append(path)
            self.free = free

    monkeypatch.setattr("senseid_cli.doctor.disk.shutil.disk_usage", Usage)
    assert check_disk("disk", tmp_path / "not" / "there").status is status
    assert asked == [tmp_path]


def test_a_disk_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stale(path: Path) -> None:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr("senseid_cli.doctor.disk.shutil.disk_usage", stale)
    assert "Stale file handle" in check_disk("disk", tmp_path).message
