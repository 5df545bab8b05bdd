"""Rows in, records out, in order; every photo once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from senseid.tables.manifest import Row
from senseid_cli.batch.rows import ROWS_A_SLOT, work_through
from senseid_licensing.errors import LicensingError
from tests.cli.batch.conftest import Counting, Sum

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_cli.batch.work_queue import WorkQueue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for length in range(1, 6):
        (tmp_path / f"{length}").write_bytes(b"\0" * length)
    (tmp_path / "copy of 5").write_bytes(b"\0" * 5)
    (tmp_path / "long").write_bytes(b"\0" * 1001)
    return tmp_path


def row(number: int, first: Any, second: Any) -> Row:
    return Row(number, {"first": first, "second": second})


def run(rows: list[Row], folder: Path, queue: WorkQueue) -> list[dict[str, Any]]:
    return list(work_through(rows, Sum(), folder, queue, 2))


def test_every_photo_is_worked_on_once_whatever_it_is_called(
    folder: Path, queue: WorkQueue, executor: Counting
) -> None:
    names = ["1", "2", "5", "copy of 5", "./5"]
    rows = [row(i, a, b) for i, (a, b) in enumerate([(a, b) for a in names for b in names] * 3, 1)]
    records = run(rows, folder, queue)
    assert sorted(map(len, executor.seen)) == [1, 2, 5]
    assert [record["row"] for record in records] == list(range(1, 76))
    assert records[1] == {"row": 2, "first": "1", "second": "2", "code": 1000, "sum": 3}


def test_a_bad_row_is_a_record_and_the_run_goes_on(folder: Path, queue: WorkQueue) -> None:
    rows = [
        row(1, "1", "gone"),
        row(2, "long", "gone"),
        row(3, "", "1"),
        row(4, "1", None),
        row(5, 7, "1"),
        row(6, "1\0", "1"),
        Row(7, {"first": "1"}, "has 1 fields instead of 2"),
        row(8, ".", "1"),
        row(9, "2", "3"),
    ]
    records = run(rows, folder, queue)
    assert [record["code"] for record in records] == [1200, 2004, 1200, 1200, 1200, 1200, 1200, 1200, 1000]
    assert records[0]["problem"].startswith("second: no such file")
    assert records[1]["message"] == "invalid content length"
    assert records[2]["problem"] == "the row cannot be used: it has no 'first'"
    assert records[6]["problem"] == "the row cannot be used: has 1 fields instead of 2"
    assert records[8]["sum"] == 5


def test_a_column_that_a_row_may_lack(folder: Path, queue: WorkQueue) -> None:
    further = [{"first_2": "3"}, {"first_2": ""}, {"first_2": None}, {"first_2": 7}, {"first_2": "gone"}]
    rows = [Row(i, {"first": "1", "second": "2", **more}) for i, more in enumerate(further, 1)]
    records = run(rows, folder, queue)
    assert [record.get("sum") for record in records] == [6, 3, 3, None, None]
    assert records[3]["problem"] == "the row cannot be used: 'first_2' is not a path"
    assert records[4]["problem"].startswith("first_2: no such file")


def test_records_come_in_order_however_long_one_takes(folder: Path, queue: WorkQueue, executor: Counting) -> None:
    executor.held = {b"\0": threading.Event()}
    records = work_through([row(1, "1", "1"), row(2, "2", "2"), row(3, "3", "3")], Sum(), folder, queue, 2)
    threading.Timer(0.2, executor.held[b"\0"].set).start()
    assert [record["row"] for record in records] == [1, 2, 3]


def test_reading_does_not_run_far_ahead(folder: Path, queue: WorkQueue) -> None:
    read = 0

    def rows() -> Any:
        nonlocal read
        for read in range(1, 1000):
            yield row(read, "1", "2")

    records = work_through(rows(), Sum(), folder, queue, 2)
    for written in range(1, 50):
        next(records)
        assert read <= written + 2 * ROWS_A_SLOT + 1


def test_a_mistake_of_ours_is_a_record_too(folder: Path, queue: WorkQueue, executor: Counting) -> None:
    executor.error = ZeroDivisionError("secret")
    (record,) = run([row(1, "1", "2")], folder, queue)
    assert (record["code"], record["problem"]) == (500, "first: internal error (ZeroDivisionError)")


def test_a_missing_licence_ends_the_run(folder: Path, queue: WorkQueue, executor: Counting) -> None:
    executor.error = LicensingError("no", remedy="none")
    with pytest.raises(LicensingError):
        run([row(1, "1", "2")], folder, queue)
