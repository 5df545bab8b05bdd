"""The journal: whatever a killed run leaves, all units up to a mark are there once, and nothing else."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from senseid.batch_errors import ResumeError
from senseid.errors import OutputError
from senseid.tables.journal import UNITS_AT_ONCE, Journal, check_idle, fingerprint, partial_of

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def write(journal: Journal, start: int, stop: int) -> None:
    for i in range(start, stop):
        journal.add([{"row": i}, {"row": i, "again": True}])


def test_every_length_that_a_killed_run_may_leave(tmp_path: Path) -> None:
    out, clock = tmp_path / "out.csv", Clock()
    path = partial_of(out)
    journal = Journal.begin(out, "run", clock)
    header = path.stat().st_size
    for i in range(6):
        write(journal, i, i + 1)
        if i % 2:
            journal.flush()
    journal.close()
    whole = path.read_bytes()
    for length in range(header, len(whole) + 1):
        path.write_bytes(whole[:length])
        resumed = Journal.resume(out, "run", clock)
        assert resumed.done in {0, 2, 4, 6}
        assert len(list(resumed.records())) == 2 * resumed.done
        write(resumed, resumed.done, 6)
        resumed.flush()
        assert [record["row"] for record in resumed.records()] == [i for i in range(6) for _ in range(2)]
        resumed.close()


def test_it_is_written_twice_a_second_or_when_there_is_much(tmp_path: Path) -> None:
    clock = Clock()
    journal = Journal.begin(tmp_path / "out.csv", "run", clock)
    write(journal, 0, 1)
    assert list(journal.records()) == []
    clock.now = 0.5
    write(journal, 1, 2)
    assert len(list(journal.records())) == 4
    write(journal, 2, 2 + UNITS_AT_ONCE)
    assert len(list(journal.records())) == 4 + 2 * UNITS_AT_ONCE
    journal.close()


def test_only_its_own_run_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    Journal.begin(out, "run", Clock()).close()
    with pytest.raises(ResumeError, match="another manifest or folder, other settings"):
        Journal.resume(out, "other", Clock())
    for junk in (b"", b"7\n", b'{"run": "run"}\n', b"\xff\n"):
        partial_of(out).write_bytes(junk)
        with pytest.raises(ResumeError):
            Journal.resume(out, "run", Clock())


def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    journal = Journal.begin(out, "run", Clock())
    for other in (Journal.begin, Journal.resume):
        with pytest.raises(ResumeError, match=f"^another run is writing {out}( .process|$)"):
            other(out, "run", Clock())
    with pytest.raises(ResumeError, match=f"^another run is writing {out}( .process|$)"):
        check_idle(out)
    journal.close()
    check_idle(out)
    Journal.begin(out, "run", Clock()).remove()
    assert list(tmp_path.iterdir()) == []


def test_many_that_begin_at_once(tmp_path: Path) -> None:
    """One of them writes the output, whatever was there: no other takes its journal away."""
    out = tmp_path / "out.csv"

    def begin(barrier: Barrier) -> Journal | None:
        barrier.wait()
        try:
            return Journal.begin(out, "run", Clock())
        except ResumeError:
            return None

    with ThreadPoolExecutor(8) as pool:
        for _ in range(100):
            begun = [journal for journal in pool.map(begin, [Barrier(8)] * 8) if journal is not None]
            assert len(begun) == 1
            write(begun[0], 0, 1)
            begun[0].flush()
            assert len(list(begun[0].records())) == 2
            begun[0].close()


def test_what_is_no_journal(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    os.mkfifo(partial_of(out))
    for opening in (Journal.begin, Journal.resume):
        with pytest.raises(OutputError, match="cannot be written: it is no regular file"):
            opening(out, "run", Clock())


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    path = partial_of(out)
    assert path.name == ".out.csv.senseid-partial"
    Journal.begin(out, "run", Clock()).close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_fingerprint_knows_every_fact() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_a_journal_that_somebody_changed(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    path = partial_of(out)
    journal = Journal.begin(out, "run", Clock())
    journal.add([{"row": 1}])
    journal.flush()
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"= 1", b"= x"))
    with pytest.raises(ResumeError, match="was changed"):
        Journal.resume(out, "run", Clock())
    path.write_bytes(whole.replace(b'{"row":1}', b'{"row":'))
    journal = Journal.resume(out, "run", Clock())
    with pytest.raises(ResumeError, match="was changed"):
        list(journal.records())
    journal.close()
