"""The decision log: its chain, its seals, crashes, concurrent writers and rotation."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from senseid import decision_audit, decision_log
from senseid.decision_audit import Verification, verify_log
from senseid.decision_log import DecisionLog, files_of
from senseid.decision_record import Link
from senseid.errors import LogError, NoKeyError, OutputError
from senseid_crypto.key import Key, parse_key
from senseid_licensing.document import canonical

if TYPE_CHECKING:
    from pathlib import Path

KEY = parse_key("a-key-that-is-only-for-tests-yes", None)
OTHER = parse_key("AnotherKeyThatIsOnlyForTestsToo!", None)
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now


def fact(score: float) -> dict[str, object]:
    return {"event": "decision", "score": score, "decision": "match"}


def filled(path: Path, count: int = 10, key: Key | None = None) -> DecisionLog:
    log = DecisionLog(path, Clock(), key)
    for number in range(count):
        log.append([fact(number / 10)])
    return log


def verified(path: Path, key: Key | None = None, noted: Link | None = None) -> Verification:
    return verify_log([each for each in files_of(path) if each.exists()], key=key, noted=noted)


def problem(path: Path, key: Key | None = None, noted: Link | None = None) -> tuple[str, int]:
    """Kind and line of the first broken record."""
    found = verified(path, key, noted).problem
    assert found is not None
    return found.kind, found.line


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.jsonl"


def test_what_was_written_verifies(path: Path) -> None:
    filled(path)
    found = verified(path)
    assert (found.problem, found.records) == (None, 10)
    assert found.first is not None
    assert found.last is not None
    assert (found.first.number, found.last.number) == (0, 9)
    assert path.stat().st_mode & 0o777 == 0o600
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["n"] for record in records] == list(range(10))
    assert records[3]["previous"] == records[2]["hash"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
@pytest.mark.parametrize(("mode", "then"), [(0o644, 0o640), (0o666, 0o660), (0o640, 0o640), (0o600, 0o600)])
def test_a_file_that_was_there_is_closed_to_others_and_left_to_its_group(path: Path, mode: int, then: int) -> None:
    path.touch()
    path.chmod(mode)
    filled(path, 1)
    assert path.stat().st_mode & 0o777 == then


@pytest.mark.parametrize("content", [b"a photo", bytes(5000), b"line\n", b"line\ntext"])
def test_a_file_that_is_no_log_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(LogError):
        filled(path, 1)
    assert path.read_bytes() == content
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("number", [0, 4, 9])
def test_every_change_is_found_where_it_is(path: Path, number: int) -> None:
    filled(path)
    whole = path.read_bytes().splitlines(keepends=True)
    line = whole[number]
    for changed in (
        line.replace(b'"match"', b'"no_match"'),
        line.replace(b'{"', b'{ "', 1),
        line.replace(b'"event":', b'"decision":"no_match","event":'),
        b"nonsense\n",
        line.replace(b'"match"', b'"\\ud800"'),
        b"[" * 5000 + b"\n",
        line[:40] + b"\n",
    ):
        path.write_bytes(b"".join([*whole[:number], changed, *whole[number + 1 :]]))
        assert problem(path) == ("changed", number + 1)


def test_missing_exchanged_and_doubled_records_are_found(path: Path) -> None:
    filled(path)
    whole = path.read_bytes().splitlines(keepends=True)
    for lines in (whole[:4] + whole[5:], [*whole[:4], whole[5], whole[4], *whole[6:]], whole[:4] + whole[3:]):
        path.write_bytes(b"".join(lines))
        assert problem(path) == ("changed", 5)
    # Without its beginning it is a part of a log: that is told by the number of its first record.
    path.write_bytes(b"".join(whole[4:]))
    found = verified(path)
    assert found.first is not None
    assert (found.problem, found.first.number) == (None, 4)


def test_a_shorter_log_needs_a_note_of_a_record(path: Path) -> None:
    filled(path)
    noted = verified(path).last
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:8]))
    assert verified(path).problem is None
    assert problem(path, noted=noted) == ("changed", 0)
    path.write_bytes(b"".join(whole))
    assert verified(path, noted=noted).problem is None


def test_seals(path: Path) -> None:
    filled(path, key=KEY)
    assert verified(path, KEY).sealed == 10
    assert verified(path).unchecked == 10
    assert problem(path, OTHER) == ("changed", 1)
    # Who rewrites everything has no key to seal it with.
    path.unlink()
    filled(path)
    assert verified(path).problem is None
    assert problem(path, KEY) == ("changed", 1)
    path.unlink()
    filled(path, key=OTHER)
    whole = path.read_text()
    path.write_text(whole.replace(OTHER.id, KEY.id))
    assert problem(path, KEY) == ("changed", 1)
    assert KEY.secret.decode() not in whole


@pytest.mark.parametrize("kept", [1, 50, -1])
def test_a_crash_is_told_from_a_change(path: Path, kept: int) -> None:
    """The end of a record that a crash cut short, also if only its end of line is missing."""
    log = filled(path)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:9]) + whole[9][:kept])
    assert problem(path) == ("cut", 10)
    assert verified(path).records == 9
    # Whoever appends next says what was there.
    log.append([fact(0.5)])
    found = verified(path)
    assert (found.problem, found.torn, found.records) == (None, 1, 11)
    DecisionLog(path, Clock()).append([fact(0.5)])
    assert verified(path).problem is None
    # The same remains, changed, are no crash.
    path.write_bytes(path.read_bytes().replace(whole[9][:kept] + b"\n", b'{"x"\n'))
    assert problem(path) == ("changed", 10)


def test_what_cannot_be_written_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(path, 3)
    before = path.read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(decision_log.os, "fsync", full)
        with pytest.raises(OutputError, match="no space left on device"):
            log.append([fact(0.1)])
    assert path.read_bytes() == before
    log.append([fact(0.1)])
    assert verified(path).records == 4
    with pytest.raises(OutputError, match="too long"):
        log.append([{"event": "decision", "inputs": ["x" * decision_log.LONGEST_RECORD]}])
    assert verified(path).records == 4
    path.write_bytes(path.read_bytes() + b"nonsense\n")
    with pytest.raises(LogError, match="the last record of the decision log"):
        log.append([fact(0.1)])
    with pytest.raises(OutputError, match="cannot be written"):
        DecisionLog(path.parent / "none" / "log", Clock()).append([fact(0.1)])


WRITER = """
import sys, datetime
from pathlib import Path
from senseid.decision_log import DecisionLog
log = DecisionLog(Path(sys.argv[1]), lambda: datetime.datetime.now(datetime.UTC), rotate_bytes=5000)
for number in range(40):
    log.append([{"event": "decision", "writer": int(sys.argv[2]), "number": number}])
"""


def test_many_writers_and_a_purge(path: Path) -> None:
    """One chain, nothing lost or twice, through rotations; a purge in the middle removes what it says."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(each)]) for each in range(4)]
    for writer in writers:
        assert writer.wait(120) == 0
    files = [each for each in files_of(path) if each.exists()]
    assert len(files) > 3
    found = verified(path)
    assert (found.problem, found.records) == (None, 160)
    seen = [json.loads(line) for each in files for line in each.read_text().splitlines()]
    for writer in range(4):
        assert [each["number"] for each in seen if each["writer"] == writer] == list(range(40))
    # A full file that is missing is a gap.
    files[1].rename(path.parent / "elsewhere")
    assert problem(path)[0] == "changed"
    (path.parent / "elsewhere").rename(files[1])
    removed = DecisionLog(path, Clock()).purge(datetime.fromisoformat(seen[90]["time"]))
    assert removed <= 90
    assert not files[0].exists()
    left = verified(path)
    assert (left.problem, left.records, left.purged) == (None, 161 - removed, removed - 1)


def test_a_file_that_is_put_aside_while_a_log_is_verified(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that were moved after the files were listed are not called missing."""
    filled(path, 3)
    writer = DecisionLog(path, Clock(), rotate_bytes=1)
    real, looked = decision_audit.verify_log, []

    def slow(paths: list[Path], **options: Any) -> Verification:
        looked.append(len(paths))
        if len(looked) == 1:
            writer.append([fact(0.5)])
            writer.append([fact(0.5)])
        return real(paths, **options)

    monkeypatch.setattr(decision_audit, "verify_log", slow)
    first = Link(0, json.loads(path.read_text().splitlines()[0])["hash"])
    found, files = decision_audit.verify_logs([path], noted=first)
    assert (found.problem, found.records, files, looked) == (None, 5, 3, [1, 3])


@pytest.mark.parametrize("key", [None, OTHER])
def test_nothing_is_added_to_a_log_of_another_key(path: Path, key: Key | None) -> None:
    """It would verify with neither key."""
    filled(path, 3, KEY)
    whole = path.read_bytes()
    log = DecisionLog(path, Clock(), key)
    with pytest.raises(NoKeyError, match=KEY.id) as caught:
        log.append([fact(0.5)])
    assert caught.value.remedy.startswith("set SENSEID_DECISION_LOG_KEY to the name of that key")
    with pytest.raises(NoKeyError, match=KEY.id):
        log.purge(START + timedelta(days=9))
    assert path.read_bytes() == whole


def test_a_key_that_is_no_key(path: Path) -> None:
    filled(path, 1)
    record = json.loads(path.read_bytes())
    del record["hash"]
    record["key"] = 5
    record["hash"] = hashlib.sha256(canonical(record)).hexdigest()
    path.write_bytes(canonical(record) + b"\n")
    assert problem(path) == ("changed", 1)
    with pytest.raises(LogError):
        DecisionLog(path, Clock()).append([fact(0.5)])


def test_a_log_between_two_files(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full file is put aside before the log is opened, and the next one is not there yet."""
    filled(path, 3)
    real = decision_audit.verify_log

    def late(paths: list[Path], **options: Any) -> Verification:
        if path.exists():
            path.rename(decision_log.segment_path(path, 0))
        return real(paths, **options)

    monkeypatch.setattr(decision_audit, "verify_log", late)
    for _ in range(2):  # also if its writer ended just then
        found, files = decision_audit.verify_logs([path])
        assert (found.problem, found.records, files) == (None, 3, 1)
    with pytest.raises(FileNotFoundError):
        decision_audit.verify_logs([path.parent / "none"])


def test_a_seal_that_is_no_seal(path: Path) -> None:
    filled(path, 1, KEY)
    record = json.loads(path.read_bytes())
    seal = record["seal"]
    path.write_bytes(path.read_bytes().replace(seal.encode(), "\u00e9".encode() * 64))
    assert problem(path, KEY) == ("changed", 1)
