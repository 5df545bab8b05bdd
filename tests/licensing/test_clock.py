from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.clock import NEVER, ClockRecord, check_plausible
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
    assert "senseid license reset-clock" in caught.value.remedy
    record.check(now, NEVER)


def test_a_time_service_may_step_the_clock_a_little(record: ClockRecord, now: datetime) -> None:
    record.check(now, NEVER)
    record.check(now - 5 * MINUTE, NEVER)
    with pytest.raises(ClockError):
        record.check(now - 5 * MINUTE - timedelta(seconds=1), NEVER)


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
    assert "senseid license reset-clock" in caught.value.remedy
    before = file.read_bytes()
    mark = record.admit(now, now)
    assert file.read_bytes() == before
    record.keep(mark)
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
    record.check(now - 4 * MINUTE, NEVER)
    with pytest.raises(ClockError):
        record.check(now - 6 * MINUTE, NEVER)


def test_a_newer_licence_ends_a_mark_of_a_clock_that_ran_ahead(record: ClockRecord, now: datetime) -> None:
    record.check(now + 4000 * DAY, now - 30 * DAY)
    for issued in (NEVER, now - 30 * DAY):
        with pytest.raises(ClockError):
            record.check(now, issued)
        with pytest.raises(ClockError):
            record.admit(now, issued)
    record.check(now, now)
    # And only once: whoever keeps it cannot set the clock back with it again and again.
    record.check(now + DAY, now)
    with pytest.raises(ClockError):
        record.check(now, now)


def test_a_licence_that_is_admitted_and_never_placed_changes_nothing(
    record: ClockRecord, file: Path, now: datetime
) -> None:
    record.check(now + DAY, now - DAY)
    before = file.read_bytes()
    assert record.admit(now, now).latest == now
    assert file.read_bytes() == before
    with pytest.raises(ClockError):
        record.check(now, now - DAY)


def test_resetting(record: ClockRecord, file: Path, now: datetime) -> None:
    assert record.reset(now) is None
    record.check(now + DAY, NEVER)
    assert record.reset(now) == now + DAY
    record.check(now, NEVER)
    with pytest.raises(ClockError):
        record.check(now - DAY, NEVER)
    file.write_bytes(b"{")
    assert record.reset(now) is None
    record.check(now, NEVER)


def test_what_cannot_be_reset_is_said(record: ClockRecord, file: Path, now: datetime) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StorageError, match=f"^{file}: cannot be written"):
        record.reset(now)


@pytest.mark.parametrize("year", [1970, 2019, 2076, 2099])
def test_a_clock_that_cannot_be_right_is_called_that(now: datetime, year: int) -> None:
    check_plausible(now)
    with pytest.raises(ClockError, match=f"^the clock shows {year}-11-24T10:00:00Z, which cannot be$") as caught:
        check_plausible(now.replace(year=year))
    assert caught.value.remedy.startswith("set the clock right")
