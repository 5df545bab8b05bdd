"""The purge of a decision log: what it removes and leaves, also where it is cut short."""

from __future__ import annotations

import errno
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid import decision_log
from senseid.decision_log import DecisionLog, files_of
from senseid.decision_record import Link
from senseid.errors import LogError, OutputError
from tests.library.test_decision_log import KEY, START, Clock, fact, filled, problem, verified

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_crypto.key import Key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


@pytest.mark.parametrize("key", [None, KEY])
def test_purge(path: Path, key: Key | None) -> None:
    log = filled(path, key=key)
    text = path.read_text()
    cutoff = datetime.fromisoformat(json.loads(text.splitlines()[6])["time"])
    assert log.purge(cutoff) == 6
    found = verified(path, key)
    assert (found.problem, found.records, found.purged) == (None, 5, 5)
    for line in text.splitlines()[:6]:
        assert line not in path.read_text()
    assert log.purge(cutoff) == 0
    log.append([fact(0.1)])
    assert verified(path, key).records == 6
    # A second purge takes the first one's anchor along.
    assert log.purge(START + timedelta(days=2)) == 6
    found = verified(path, key)
    assert (found.problem, found.records, found.purged) == (None, 1, 11)
    log.append([fact(0.2)])
    assert verified(path, key).problem is None
    assert verified(path, key).last == Link(13, json.loads(path.read_text().splitlines()[-1])["hash"])


def test_a_purge_of_a_changed_log_removes_nothing(path: Path) -> None:
    log = filled(path)
    changed = path.read_bytes().replace(b'"score":0.3', b'"score":0.9')
    path.write_bytes(changed)
    with pytest.raises(LogError, match="cannot be purged"):
        log.purge(START + timedelta(days=9))
    assert path.read_bytes() == changed


def test_a_clock_that_ran_ahead_keeps_nothing_for_ever(path: Path) -> None:
    """Records from a day in the future, then old ones: all go; those that no old one follows stay."""
    clock = Clock()
    log = DecisionLog(path, clock)
    for days in (0, 400, 0, 0, 400):
        clock.now = START + timedelta(days=days)
        log.append([fact(0.5)])
    clock.now = START + timedelta(days=30)
    assert log.purge(START + timedelta(days=20)) == 4
    found = verified(path)
    assert (found.problem, found.records, found.purged) == (None, 2, 3)
    # Once their time has come, they are as old as they say.
    clock.now = START + timedelta(days=500)
    assert log.purge(START + timedelta(days=450)) == 2
    assert verified(path).problem is None


def test_a_line_without_an_end_takes_no_memory(path: Path) -> None:
    """A file that is no log, such as a disk image: it is read in pieces."""
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert problem(path) == ("changed", 1)
    with pytest.raises(LogError, match="cannot be purged"):
        DecisionLog(path, Clock()).purge(START + timedelta(days=9))
    assert path.stat().st_size == 1 << 40


def test_an_anchor_that_nobody_wrote_is_found(path: Path) -> None:
    """Records are taken away, and an anchor is put in their place that the chain does not name."""
    log = filled(path)
    whole = path.read_bytes().splitlines(keepends=True)
    other = path.parent / "other.jsonl"
    other.write_bytes(b"".join(whole))
    DecisionLog(other, Clock()).purge(datetime.fromisoformat(json.loads(whole[6])["time"]))
    anchor = other.read_bytes().splitlines(keepends=True)[0]
    assert json.loads(anchor)["event"] == "anchor"
    path.write_bytes(anchor + b"".join(whole[6:]))
    assert problem(path) == ("changed", 0)
    log.append([fact(0.1)])
    assert problem(path) == ("changed", 0)


def test_a_purge_that_is_cut_short_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(path)
    with monkeypatch.context() as patched:
        patched.setattr(decision_log.DecisionLog, "_cut", lambda *_: None)
        assert log.purge(START + timedelta(hours=5)) > 0
    found = verified(path)
    assert (found.problem, found.records) == (None, 11)
    assert log.purge(START + timedelta(hours=5)) > 0
    assert verified(path).problem is None


def test_a_torn_line_at_the_head_does_not_stop_rotation(path: Path) -> None:
    """A crash inside the first record of all: the log must go on when it is full."""
    path.write_bytes(b'{"cut')
    log = DecisionLog(path, Clock(), rotate_bytes=300)
    for _ in range(5):
        log.append([fact(0.5)])
    found = verified(path)
    assert (found.problem, found.torn) == (None, 1)
    assert len(files_of(path)) > 2


def test_a_purge_after_a_crash(path: Path) -> None:
    """The line that a crash cut short does not keep what is too old."""
    filled(path, 3)
    with path.open("ab") as file:
        file.write(b'{"cut')
    assert DecisionLog(path, Clock()).purge(START + timedelta(days=9)) == 3
    assert verified(path).problem is None
    assert b'"decision"' not in path.read_bytes()


def test_a_link_is_followed_by_a_purge(path: Path, tmp_path: Path) -> None:
    """Else the link would be replaced, and what was to be removed would stay where it led to."""
    (tmp_path / "disk").mkdir()
    real = tmp_path / "disk" / "log.jsonl"
    path.symlink_to(real)
    filled(path, 3)
    assert DecisionLog(path, Clock()).purge(START + timedelta(days=9)) == 3
    assert path.is_symlink()
    assert b'"decision"' not in real.read_bytes()
    assert verified(real).problem is None


def test_a_purge_writes_through_no_link_that_somebody_put_there(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious")
    filled(path, 3)
    path.with_name(path.name + ".purge").symlink_to(other)
    assert DecisionLog(path, Clock()).purge(START + timedelta(days=9)) == 3
    assert other.read_text() == "precious"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_purge_that_fails_leaves_no_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, say: what it had written of the rest is removed, and the log is whole."""
    filled(path, 6)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(OutputError, match="no space left"):
        DecisionLog(path, Clock()).purge(START + timedelta(hours=3))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert verified(path).problem is None
    assert path.read_bytes().count(b'"event":"decision"') == 6
