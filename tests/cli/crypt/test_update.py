"""`senseid encrypt --update`, within this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from senseid_cli.crypt import convert, file_jobs, update
from senseid_cli.crypt.convert import WriteOptions
from senseid_crypto.format import Format
from senseid_crypto.key import parse_key
from senseid_crypto.sealed import open_bytes, seal_bytes

if TYPE_CHECKING:
    from tests.cli.crypt.conftest import Here

KEY = parse_key("KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5")
DAY = 86_400 * 10**9


def run(here: Here, *words: str | Path, status: int = 0) -> dict[str, str]:
    """What was done with each file; the container for one whose source is gone."""
    told = map(json.loads, here("encrypt", *words, "--update", "--json", status=status)[0])
    return {body["source"]: body.get("done", str(body["code"])) for body in told}


def test_every_night(here: Here) -> None:
    photo = here.path("album/a.jpg", b"one")
    here.path("album/deep/b.jpg", b"two")
    assert run(here, "album") == {"album/a.jpg": "encrypted", "album/deep/b.jpg": "encrypted"}
    before = here.path("album/a.jpg.senseid").stat()
    assert here("encrypt", "album", "--update") == ([], "note: files that are as they were encrypted: 2\n")
    assert here.path("album/a.jpg.senseid").stat() == before
    here.path("album/new.jpg", b"three")
    photo.write_bytes(b"longer")
    assert run(here, "album") == {"album/a.jpg": "updated", "album/new.jpg": "encrypted"}
    assert open_bytes(here.path("album/a.jpg.senseid").read_bytes(), [here.key]) == b"longer"
    photo.unlink()
    out, err = here("encrypt", "album", "--update")
    assert out == ["kept\talbum/a.jpg\talbum/a.jpg.senseid"]
    assert "containers kept though their source is gone: 1;" in err
    assert here.path("album/a.jpg.senseid").exists()


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_clock_that_is_wrong_does_not_hide_a_change(here: Here, days: int) -> None:
    """The same length, and a time before that of the container, or in the future."""
    photo = here.path("a.jpg", b"one")
    run(here, "a.jpg")
    photo.write_bytes(b"two")
    time = photo.stat().st_mtime_ns + days * DAY
    os.utime(photo, ns=(time, time))
    assert run(here, "a.jpg") == {"a.jpg": "updated"}
    assert run(here, "a.jpg") == {}
    assert open_bytes(here.path("a.jpg.senseid").read_bytes(), [here.key]) == b"two"


def test_a_container_that_is_cut_off_is_made_again(here: Here) -> None:
    here.path("a.jpg", b"one")
    run(here, "a.jpg")
    whole = here.path("a.jpg.senseid").read_bytes()
    for length in (len(whole) - 1, 50, 13):
        here.path("a.jpg.senseid", whole[:length])
        os.utime(here.path("a.jpg.senseid"), ns=(0, here.path("a.jpg").stat().st_mtime_ns))
        assert run(here, "a.jpg") == {"a.jpg": "updated"}


def test_an_emptied_source_does_not_replace_its_container(here: Here) -> None:
    photo = here.path("a.jpg", b"one")
    run(here, "a.jpg")
    photo.write_bytes(b"")
    assert "a.jpg is empty now" in here("encrypt", "a.jpg", "--update", status=2)[1]
    assert open_bytes(here.path("a.jpg.senseid").read_bytes(), [here.key]) == b"one"


@pytest.mark.parametrize("content", [b"no container", b"", b"\x89senseid\r\n\x1a\n\x02" + bytes(100)])
def test_what_is_no_container_of_this_release_is_not_replaced(here: Here, content: bytes) -> None:
    here.path("a.jpg", b"one")
    here.path("b.jpg", b"two")
    other = here.path("a.jpg.senseid", content)
    out, err = here("encrypt", "a.jpg", "b.jpg", "--update", status=2)
    assert "a.jpg.senseid is there already" in err
    assert [line.split("\t")[:2] for line in out] == [["encrypted", "b.jpg"]]
    assert other.read_bytes() == content


def test_what_another_run_does_at_the_same_time_is_done(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """That run is a moment faster, with one photo before it is looked at, with the other while it is encrypted."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        here.path(f"album/{name}", name.encode())
    real_check, real_work = file_jobs.check_target, convert.encrypt_file
    options = WriteOptions(force=True, delete_source=False, entropy=os.urandom, threads=1)

    def other_run(job: file_jobs.FileJob) -> None:
        real_work(job, here.key, Format.CONTAINER, options, convert.ignore)

    def check(job: file_jobs.FileJob, *, force: bool) -> None:
        if job.source == "album/a.jpg":
            other_run(job)
        real_check(job, force=force)

    def work(job: file_jobs.FileJob, *rest: Any) -> None:
        if job.source == "album/b.jpg":
            other_run(job)
        real_work(job, *rest)

    monkeypatch.setattr(file_jobs, "check_target", check)
    monkeypatch.setattr(convert, "encrypt_file", work)
    out, err = here("encrypt", "album", "--update")
    assert [line.split("\t")[:2] for line in out] == [["encrypted", "album/c.jpg"]]
    assert err == "note: files that are as they were encrypted: 2\n"
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        assert open_bytes(here.path(f"album/{name}.senseid").read_bytes(), [here.key]) == name.encode()


def test_another_file_that_comes_up_meanwhile_is_kept(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a.jpg", b"one")
    real = convert.encrypt_file

    def work(*rest: Any) -> None:
        here.path("a.jpg.senseid", b"another program's")
        real(*rest)

    monkeypatch.setattr(convert, "encrypt_file", work)
    _, err = here("encrypt", "a.jpg", "--update", status=2)
    assert err == "senseid: a.jpg.senseid cannot be written: there is a file of that name: --force overwrites it\n"
    assert here.path("a.jpg.senseid").read_bytes() == b"another program's"


def test_into_another_folder(here: Here) -> None:
    here.path("one/a.jpg", b"1")
    here.path("two/b.jpg", b"2")
    assert run(here, "one", "two", "--out", "vault") == {"one/a.jpg": "encrypted", "two/b.jpg": "encrypted"}
    assert run(here, "one", "two", "--out", "vault") == {}
    here.path("two/b.jpg").unlink()
    assert run(here, "one", "two", "--out", "vault") == {"one/b.jpg": "kept"}
    # A file that is left out is there all the same.
    here.path("one/notes.txt", b"3")
    run(here, "one", "--all", "--out", "vault")
    assert run(here, "one", "two", "--out", "vault") == {"one/b.jpg": "kept"}


def test_what_a_rotation_has_put_under_another_key_is_unchanged(here: Here) -> None:
    here.path("album/a.jpg", b"one")
    run(here, "album")
    here("key", "rotate", "album")
    assert run(here, "album") == {}
    here.path("album/b.jpg", b"two")
    here("key", "generate", "other")
    run(here, "album", "--key", "other")
    assert "1 of them are under another key" in here("encrypt", "album", "--update")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--force",), "encrypts everything again"),
        (("--delete-source",), "may be the only copies"),
        (("--format", "wire"), "works on containers"),
        (("--out", "-"), "standard streams have no time"),
    ],
)
def test_what_makes_no_sense_with_it(here: Here, words: tuple[str, ...], said: str) -> None:
    here.path("a.jpg", b"one")
    assert said in " ".join(here("encrypt", "a.jpg", "--update", *words, status=2)[1].split())
    assert here.names() == ["a.jpg"]


def test_nothing_there_is_no_failure(here: Here) -> None:
    here.path("album").mkdir()
    assert run(here, "album") == {}
    here.path("album/a.jpg").symlink_to("gone")
    assert run(here, "album") == {}


def _compare(folder: Path, content: bytes, time: int, stored: int) -> update.Update:
    source, target = folder / "a.jpg", folder / "a.jpg.senseid"
    source.write_bytes(content)
    target.write_bytes(seal_bytes(content, KEY, entropy=os.urandom))
    os.utime(source, ns=(time, time))
    os.utime(target, ns=(stored, stored))
    return update.compare(file_jobs.Plan([file_jobs.FileJob(str(source), target, 0)], [], [], []), KEY)


TIMES = st.integers(10**18, 2 * 10**18)


@given(time=TIMES, tick=st.sampled_from([1, 100, 1_000, 1_000_000, 10**9, 2 * 10**9]))
def test_a_file_system_with_coarser_times(tmp_path_factory: pytest.TempPathFactory, time: int, tick: int) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert _compare(folder, b"x", time, time - time % tick).unchanged == 1


@given(time=TIMES, other=TIMES)
def test_any_other_time_is_a_change(tmp_path_factory: pytest.TempPathFactory, time: int, other: int) -> None:
    found = _compare(tmp_path_factory.getbasetemp(), b"x", time, other)
    assert found.unchanged == (0 <= time - other < 2 * 10**9 and any(other == time - time % t for t in update._TICKS))


class Album(RuleBasedStateMachine):
    """Whatever happens to the photos between the nights, each container then holds what its photo last held."""

    here: Here
    names = st.sampled_from(["a.jpg", "b.jpg", "deep/c.mp4"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path("nights")
        for path in self.folder.rglob("*"):
            if path.is_file():
                path.unlink()
        self.expected: dict[Path, bytes] = {}
        self.count = 0

    @rule(name=names, days=st.integers(-1000, 1000), length=st.integers(1, 5))
    def write(self, name: str, days: int, length: int) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(length))
        # Two writes never have one time to the nanosecond.
        self.count += 1
        time = 1_700_000_000 * 10**9 + days * DAY + self.count
        os.utime(path, ns=(time, time))

    @rule(name=names)
    def delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    @rule(name=names)
    def lose_the_container(self, name: str) -> None:
        (self.folder / f"{name}.senseid").unlink(missing_ok=True)
        self.expected.pop(self.folder / name, None)

    @invariant()
    def night(self) -> None:
        self.folder.mkdir(exist_ok=True)
        run(self.here, self.folder)
        for path in self.folder.rglob("*"):
            if path.is_file() and path.suffix != ".senseid":
                self.expected[path] = path.read_bytes()
        for path, content in self.expected.items():
            assert open_bytes(path.with_name(f"{path.name}.senseid").read_bytes(), [self.here.key]) == content


def test_any_sequence_of_nights(here: Here) -> None:
    machine = type("Album", (Album,), {"here": here})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=12))
