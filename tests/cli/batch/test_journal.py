"""The journal: whatever a killed run leaves, all units up to a mark are there once, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid_cli.batch.errors import ResumeError
from senseid_cli.batch.journal import UNITS_AT_ONCE, Journal, fingerprint, partial_of

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
    path, clock = tmp_path / "partial", Clock()
    journal = Journal.begin(path, "run", clock)
    header = path.stat().st_size
    for i in range(6):
        write(journal, i, i + 1)
        if i % 2:
            journal.flush()
    journal.close()
    whole = path.read_bytes()
    for length in range(header, len(whole) + 1):
        path.write_bytes(whole[:length])
        resumed = Journal.resume(path, "run", clock)
        assert resumed.done in {0, 2, 4, 6}
        assert len(list(resumed.records())) == 2 * resumed.done
        write(resumed, resumed.done, 6)
        resumed.flush()
        assert [record["row"] for record in resumed.records()] == [i for i in range(6) for _ in range(2)]
        resumed.close()


def test_it_is_written_twice_a_second_or_when_there_is_much(tmp_path: Path) -> None:
    clock = Clock()
    journal = Journal.begin(tmp_path / "partial", "run", clock)
    write(journal, 0, 1)
    assert list(journal.records()) == []
    clock.now = 0.5
    write(journal, 1, 2)
    assert len(list(journal.records())) == 4
    write(journal, 2, 2 + UNITS_AT_ONCE)
    assert len(list(journal.records())) == 4 + 2 * UNITS_AT_ONCE
    journal.close()


def test_only_its_own_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    Journal.begin(path, "run", Clock()).close()
    with pytest.raises(ResumeError, match="another manifest, other settings"):
        Journal.resume(path, "other", Clock())
    for junk in (b"", b"7\n", b'{"run": "run"}\n', b"\xff\n"):
        path.write_bytes(junk)
        with pytest.raises(ResumeError):
            Journal.resume(path, "run", Clock())


def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    path = tmp_path / "partial"
    journal = Journal.begin(path, "run", Clock())
    for other in (Journal.begin, Journal.resume):
        with pytest.raises(ResumeError, match="another run is writing"):
            other(path, "run", Clock())
    journal.close()
    Journal.begin(path, "run", Clock()).close()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = partial_of(tmp_path / "out.csv")
    assert path.name == ".out.csv.senseid-partial"
    Journal.begin(path, "run", Clock()).close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_fingerprint_knows_every_fact() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_a_journal_that_somebody_changed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal.begin(path, "run", Clock())
    journal.add([{"row": 1}])
    journal.flush()
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"= 1", b"= x"))
    with pytest.raises(ResumeError, match="was changed"):
        Journal.resume(path, "run", Clock())
    path.write_bytes(whole.replace(b'{"row":1}', b'{"row":'))
    journal = Journal.resume(path, "run", Clock())
    with pytest.raises(ResumeError, match="was changed"):
        list(journal.records())
    journal.close()
