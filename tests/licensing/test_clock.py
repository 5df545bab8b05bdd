from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.clock import NEVER, ClockRecord
from senseid_licensing.errors import ClockError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def record(tmp_path: Path) -> ClockRecord:
    return ClockRecord(tmp_path / "state" / "clock.json")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "clock.json"


def test_time_may_pass(record: ClockRecord, now: datetime) -> None:
    for hours in range(5):
        record.check(now + timedelta(hours=hours), NEVER)


def test_a_clock_set_back_a_day_is_refused_with_the_way_out(record: ClockRecord, now: datetime) -> None:
    record.check(now, NEVER)
    with pytest.raises(ClockError, match="shows 2026-11-23T10:00:00Z, and 2026-11-24T10:00:00Z was already") as caught:
        record.check(now - DAY, NEVER)
    assert (caught.value.stid, caught.value.stid.text) == (-15, "STID_E_AUTH_EXPIRE")
    assert "set the clock right" in caught.value.remedy
    assert "install a licence issued since" in caught.value.remedy
    record.check(now, NEVER)


def test_a_time_service_may_step_the_clock_a_little(record: ClockRecord, now: datetime) -> None:
    record.check(now, NEVER)
    record.check(now - 5 * MINUTE, NEVER)
    with pytest.raises(ClockError):
        record.check(now - 5 * MINUTE - timedelta(seconds=1), NEVER)


def test_a_deleted_file_leaves_the_licences_own_age(record: ClockRecord, file: Path, now: datetime) -> None:
    record.check(now, now - 10 * DAY)
    file.unlink()
    with pytest.raises(ClockError, match="2026-11-14T10:00:00Z was already seen"):
        record.check(now - 11 * DAY, now - 10 * DAY)
    record.check(now - DAY, now - 10 * DAY)
    assert file.exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.replace(b"2026-11-24", b"2026-11-20"),
        lambda data: b"",
        lambda data: b"{}",
        lambda data: data[:-20],
        lambda data: data.replace(b'"mark"', b'"mork"'),
        lambda data: b"\xff" * 70_000,
    ],
)
def test_an_edited_file_is_refused_and_a_new_licence_mends_it(record, file: Path, now: datetime, edit) -> None:
    record.check(now, now)
    file.write_bytes(edit(file.read_bytes()))
    with pytest.raises(ClockError, match="edited or is damaged") as caught:
        record.check(now, now)
    assert "license install" in caught.value.remedy
    record.restart(now, now)
    record.check(now, now)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_write_permission(record: ClockRecord, file: Path, now: datetime) -> None:
    file.parent.mkdir(mode=0o500)
    record.check(now, now)
    assert not file.exists()


def test_a_mark_that_cannot_be_written_does_not_refuse(
    record: ClockRecord, file: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    record.check(now, NEVER)
    monkeypatch.setattr(os, "fsync", read_only)
    record.check(now + DAY, NEVER)
    assert b"2026-11-24T10:00:00Z" in file.read_bytes()
    assert list(file.parent.iterdir()) == [file]


def test_not_every_run_writes(record: ClockRecord, file: Path, now: datetime) -> None:
    record.check(now, NEVER)
    before = file.stat().st_mtime_ns, file.stat().st_ino
    record.check(now + MINUTE - timedelta(seconds=1), NEVER)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before
    record.check(now + MINUTE, NEVER)
    assert file.stat().st_ino != before[1] or file.stat().st_mtime_ns != before[0]


def test_a_small_step_back_never_lowers_the_mark(record: ClockRecord, now: datetime) -> None:
    record.check(now, NEVER)
    record.check(now - 4 * MINUTE, now - DAY)
    with pytest.raises(ClockError):
        record.check(now - 6 * MINUTE, now - DAY)


def test_a_newer_licence_ends_a_mark_of_a_clock_that_ran_ahead(record: ClockRecord, now: datetime) -> None:
    record.check(now + 4000 * DAY, now - 30 * DAY)
    with pytest.raises(ClockError):
        record.check(now, now - 30 * DAY)
    record.restart(now, now - 30 * DAY)
    with pytest.raises(ClockError):
        record.check(now, now - 30 * DAY)
    record.restart(now, now)
    record.check(now, now)


def test_a_newer_licence_never_puts_the_mark_before_its_own_age(record: ClockRecord, now: datetime) -> None:
    record.restart(now - 10 * DAY, now)
    with pytest.raises(ClockError):
        record.check(now - 10 * DAY, now)


def test_what_cannot_be_forgotten_is_said(record: ClockRecord, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StorageError, match=f"^{file}: cannot be removed"):
        record.forget()


def test_forgetting(record: ClockRecord, now: datetime) -> None:
    record.forget()
    record.check(now, NEVER)
    record.forget()
    record.check(now - DAY, NEVER)
