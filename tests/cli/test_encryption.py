"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from senseid import installation
from senseid_cli import app as cli
from senseid_cli import paths
from senseid_cli.crypt import convert, file_jobs, rotation, run, streams
from senseid_cli.output.streams import tolerant
from senseid_crypto import wire
from senseid_crypto.key import Key, parse_key
from senseid_crypto.sealed import open_bytes, seal_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]

PUBLISHED = parse_key("dcbbad6765e14139a07d34b92292a672", "df25d188a061")
GOLDEN = b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P"
BIG = os.urandom(200_000)


class Here:
    """A folder to work in, with a key, and the command line."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.home = folder.parent / "home"
        self._capture = capture

    def __call__(self, *words: str | Path, status: int = 0) -> tuple[list[str], str]:
        """The lines of standard output, and standard error."""
        found = cli.run([str(word) for word in words])
        shown = self._capture.readouterr()
        assert found == status, shown.err
        return shown.out.splitlines(), shown.err

    def path(self, name: str, data: bytes | None = None) -> Path:
        path = self.folder / name
        if data is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    @property
    def key(self) -> Key:
        return installation.key_sources().to_encrypt().key


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Without a key."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    for name in ("PARAM_DECRYPT_KEY", "PARAM_DECRYPT_IV"):
        monkeypatch.delenv(name, raising=False)
    return Here(tmp_path / "work", capsys)


@pytest.fixture
def here(bare: Here) -> Here:
    bare("key", "generate")
    return bare


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[BinaryIO | bytes], None]]:
    """Puts a file, or a pipe that holds some bytes, in the place of standard input."""
    with ExitStack() as stack:

        def put(source: BinaryIO | bytes) -> None:
            if isinstance(source, bytes):
                reader, writer = os.pipe()
                with os.fdopen(writer, "wb") as file:
                    file.write(source)
                source = os.fdopen(reader, "rb")
            text = stack.enter_context(io.TextIOWrapper(source))
            monkeypatch.setattr(sys, "stdin", text)

        yield put


def put_into(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Takes standard output's place."""
    sink = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(sink, write_through=True))
    return sink


# One file.


@pytest.mark.parametrize("data", [b"", b"hello world", BIG], ids=len)
@pytest.mark.parametrize(("form", "suffix"), [("container", ".senseid"), ("wire", ".b64")])
def test_there_and_back(here: Here, data: bytes, form: str, suffix: str) -> None:
    photo = here.path("photo.jpg", data)
    photo.chmod(0o640)
    os.utime(photo, ns=(10**18, 1_500_000_000_123_456_789))
    out, _ = here("encrypt", "photo.jpg", "--format", form)
    assert out == [f"encrypted\tphoto.jpg\tphoto.jpg{suffix}\t{here.key.id}"]
    sealed = here.path(f"photo.jpg{suffix}")
    opened = open_bytes(sealed.read_bytes(), [here.key]) if form == "container" else None
    assert (opened if opened is not None else wire.decrypt_bytes(sealed.read_bytes(), [here.key])) == data
    photo.unlink()
    out, err = here("decrypt", f"photo.jpg{suffix}")
    assert (out, err) == ([f"decrypted\tphoto.jpg{suffix}\tphoto.jpg\t{form}"], "")
    assert photo.read_bytes() == data
    for path in (photo, sealed):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert path.stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert here.names() == ["photo.jpg", f"photo.jpg{suffix}"]


def test_a_chosen_name(here: Here) -> None:
    here.path("a", b"hello")
    here("encrypt", "a", "--out", "b")
    here("decrypt", "b", "-o", "c")
    assert here.path("c").read_bytes() == b"hello"


def test_json(here: Here) -> None:
    here.path("a", b"hello")
    (line,), _ = here("encrypt", "a", "--json")
    body = json.loads(line)
    assert len(body.pop("request_id")) == 32
    assert body == {"code": 1000, "done": "encrypted", "source": "a", "target": "a.senseid", "key": here.key.id}


def test_odd_names(here: Here) -> None:
    for name in ("日本 ü, 'x'.jpg", "a\nb", "-dash", "[x].jpg", "*"):
        here.path(name, name.encode())
        here("encrypt", "--delete-source", "--", name)
        here("decrypt", "--", f"{name}.senseid")
        assert here.path(name).read_bytes() == name.encode()


# Streams.


def test_the_golden_vector_through_pipes(bare: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", PUBLISHED.secret.decode())
    monkeypatch.setenv("PARAM_DECRYPT_IV", "df25d188a061")
    for words, given, made in (
        (["encrypt", "--format", "wire", "-"], b"hello world", GOLDEN),
        (["decrypt", "-"], GOLDEN, b"hello world"),
        (["decrypt", "-"], GOLDEN + b"\n", b"hello world"),
    ):
        stdin(given)
        sink = put_into(monkeypatch)
        assert cli.run(words) == 0
        assert sink.getvalue() == made


@pytest.mark.parametrize("form", ["container", "wire"])
def test_from_a_pipe_into_a_file_and_back(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    stdin(BIG[:50_000])
    out, _ = here("encrypt", "-", "--out", "sealed", "--format", form)
    assert out == [f"encrypted\t-\tsealed\t{here.key.id}"]
    stdin(here.path("sealed").read_bytes()[:65_000])
    here("decrypt", "-", "--out", "plain", status=0 if form == "container" else 6)
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "sealed", "--out", "-"]) == 0
    assert sink.getvalue() == BIG[:50_000]


def test_from_the_middle_of_a_redirected_file(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    """`(read line; senseid decrypt -) < file`"""
    file = here.path("file", b"a line\n" + seal_bytes(BIG, here.key, entropy=os.urandom)).open("rb")
    file.readline()
    stdin(file)
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "-"]) == 0
    assert sink.getvalue() == BIG


@pytest.mark.parametrize("form", ["container", "wire"])
def test_what_is_damaged_goes_down_no_pipe(
    here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Not even the part before the damage."""
    data = os.urandom(3_000_000)
    sealed = (
        seal_bytes(data, here.key, entropy=os.urandom) if form == "container" else wire.encrypt_bytes(data, here.key)
    )
    path = here.path("sealed", sealed[:-8])
    for words in (["decrypt", str(path), "-o", "-"], ["decrypt", "-"]):
        stdin(path.open("rb"))
        sink = put_into(monkeypatch)
        assert cli.run(words) == 6
        assert sink.getvalue() == b""


def test_wire_text_that_is_changed_while_it_is_decrypted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output gets what was authenticated, whatever is in the file by then."""
    text = wire.encrypt_bytes(BIG, here.key)
    path = here.path("photo.b64", text)

    class Changing(io.FileIO):
        def readinto(self, buffer: Any, /) -> int | None:
            count = super().readinto(buffer)
            if not count:
                path.write_bytes(text.swapcase())
            return count

    monkeypatch.setattr(streams, "opened", lambda _: Changing(path))
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "photo.b64", "-o", "-"]) == 0
    assert sink.getvalue() == BIG
    assert path.read_bytes() != text


def test_streams_that_make_no_sense(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    for words, problem in (
        (["encrypt", "-", "a"], "'-' stands alone"),
        (["encrypt", "a", "-o", "-", "--json"], "--json and the result"),
        (["encrypt", "a", "-o", "-", "--delete-source"], "--delete-source needs files"),
        (["encrypt", "-", "-o", "b", "--delete-source"], "--delete-source needs files"),
        (["encrypt", "a", "--key", "x", "--key-file", "y"], "cannot both be given"),
    ):
        _, err = here(*words, status=2)
        assert problem in err
    monkeypatch.setattr(sys, "stdin", None)
    assert "holds no file" in here("encrypt", "-", "-o", "b", status=3)[1]
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.run(["encrypt", "a", "-o", "-"]) == 70


def test_an_input_without_an_end_stops_with_the_reader(
    here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`senseid encrypt - < /dev/zero | head -c 1`"""
    reader, writer = os.pipe()
    os.close(reader)
    stdin(here.path("/dev/zero").open("rb"))
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", tolerant(stream))
        assert cli.run(["encrypt", "-"]) == 0


def test_a_pipe_that_cannot_be_kept(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to a temporary file, as ciphertext, until its end has been checked."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(streams.tempfile, "SpooledTemporaryFile", lambda **_: Full())
    stdin(seal_bytes(b"hello", here.key, entropy=os.urandom))
    _, err = here("decrypt", "-", status=70)
    assert err.startswith("senseid: the input cannot be kept until it is checked: no space left on device\n")
    assert "TMPDIR" in err


# Refusals.


def test_nothing_is_overwritten_without_force(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid", b"old")
    _, err = here("encrypt", "a", status=2)
    assert err.startswith("senseid: a.senseid is there already; --force overwrites it\n")
    assert here.path("a.senseid").read_bytes() == b"old"
    here("encrypt", "a", "--force")
    assert open_bytes(here.path("a.senseid").read_bytes(), [here.key]) == b"hello"


def test_one_path_for_both(here: Here) -> None:
    photo = here.path("a", b"hello")
    here.path("symbolic").symlink_to(photo)
    here.path("hard").hardlink_to(photo)
    for out in ("a", "./a", "../work/a", "symbolic", "hard", str(photo)):
        _, err = here("encrypt", "a", "--out", out, "--force", status=2)
        assert "is the file that is read" in err
    assert "is the file that is read" in here("encrypt", "symbolic", "-o", "a", "--force", status=2)[1]
    assert photo.read_bytes() == b"hello"
    here("encrypt", "a")
    assert "is the file that is read" in here("decrypt", "a.senseid", "-o", "a.senseid", "--force", status=2)[1]


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_standard_output_into_the_file_that_is_read(here: Here, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """`senseid encrypt a --out - >> a` would read what it writes, until the disk is full."""
    before = {}
    for name, data in (("a", BIG * 10), ("a.senseid", seal_bytes(BIG, here.key, entropy=os.urandom))):
        before[here.path(name, data)] = data
    for command, path in zip(("encrypt", "decrypt"), before, strict=True):
        with path.open(mode) as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", io.TextIOWrapper(file))
            assert cli.run([command, str(path), "--out", "-"]) == 2
            sys.stdout.detach()
    assert {path: path.read_bytes() for path in before} == before
    assert "is the file that standard output goes to" in here._capture.readouterr().err


def test_standard_output_into_another_file(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    with here.path("b").open("wb") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(file, write_through=True))
        assert cli.run(["encrypt", "a", "--out", "-"]) == 0
        sys.stdout.detach()
    assert open_bytes(here.path("b").read_bytes(), [here.key]) == b"hello"


def test_standard_input_from_the_file_that_is_written(here: Here, stdin: Stdin) -> None:
    path = here.path("a", b"hello")
    for command in ("encrypt", "decrypt"):
        stdin(path.open("rb"))
        assert "is the file that is read" in here(command, "-", "--out", "a", "--force", status=2)[1]
    assert path.read_bytes() == b"hello"


def test_an_empty_word_is_no_folder(here: Here) -> None:
    """`--delete-source "$UNSET"` would encrypt all of the current folder."""
    here.path("a", b"hello")
    here.path("b.senseid", seal_bytes(b"hello", here.key, entropy=os.urandom))
    commands = (["encrypt", ""], ["decrypt", ""], ["encrypt", "a", ""], ["encrypt", "a", "--out", ""])
    for words in (*commands, ["key", "rotate", ""]):
        assert "an empty word names no file" in here(*words, status=2)[1]
    assert here.names() == ["a", "b.senseid"]


def test_an_output_folder_that_is_not_there(here: Here) -> None:
    here.path("a", b"hello")
    assert "new/ must be a folder that exists" in here("encrypt", "a", "--out", "new/", status=2)[1]
    assert here.names() == ["a"]


def test_a_file_that_is_called_as_standard_input_is(here: Here) -> None:
    for words in (["."], ["*"], ["./-"]):
        here.path("-", b"hello")
        out, _ = here("encrypt", *words, "--delete-source")
        assert [line.split("\t")[2] for line in out] == ["-.senseid"]
        here("decrypt", ".", "--delete-source")
        assert here.path("-").read_bytes() == b"hello"
    here.path("-", seal_bytes(b"hello", here.key, entropy=os.urandom))
    assert len(here("key", "rotate", ".")[0]) == 1
    assert open_bytes(here.path("-").read_bytes(), [here.key]) == b"hello"


def test_a_folder_that_may_not_be_looked_into(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names may be read, and no more: each file is told."""
    here.path("d/a", b"hello")
    here.path("d/b.senseid", b"hello")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(type(here.folder), "stat", refused)
        patch.setattr(type(here.folder), "lstat", refused)
        patch.setattr(type(here.folder), "open", refused)
        assert [str(path) for path in file_jobs.walk(here.path("d"))] == [
            str(here.path("d") / n) for n in ("a", "b.senseid")
        ]
        assert [job.size for job in rotation.containers([here.path("d")])] == [0, 0]
    # What cannot be read is meant by whoever encrypts, and by whoever decrypts if its name says so.
    with monkeypatch.context() as patch:
        patch.setattr(file_jobs, "is_container", lambda _: None)
        assert len(file_jobs.make_plan(["d"], None, file_jobs.Direction.ENCRYPT, ".senseid")) == 2
        assert [job.source for job in file_jobs.make_plan(["d"], None, file_jobs.Direction.DECRYPT, "")] == [
            "d/b.senseid"
        ]
    monkeypatch.setattr(paths, "is_folder", lambda _: False)
    assert ".: permission denied: make the folder readable" in here("encrypt", ".", status=3)[1]


def test_a_current_folder_that_was_deleted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("gone").mkdir()
    monkeypatch.chdir("gone")
    here.path("gone").rmdir()
    for words in (["encrypt", "a"], ["decrypt", "."], ["key", "rotate", "."]):
        assert here(*words, status=2)[1].startswith("senseid: the current folder was deleted\n")


def test_a_dangling_link_as_output(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid").symlink_to("nowhere")
    assert "is there already" in here("encrypt", "a", status=2)[1]
    here("encrypt", "a", "--force")
    assert here.names() == ["a", "a.senseid"]


@pytest.mark.parametrize(
    ("out", "problem"),
    [("none/x", "no such file or directory"), ("pipe", "is no regular file"), ("x" * 300, "file name too long")],
)
def test_outputs_of_no_use(here: Here, out: str, problem: str) -> None:
    here.path("a", b"hello")
    os.mkfifo(here.path("pipe"))
    status = 70 if out == "none/x" else 2
    assert problem in here("encrypt", "a", "--out", out, "--force", status=status)[1]


def test_a_folder_is_not_replaced(here: Here) -> None:
    here.path("a", b"hello")
    here.path("a.senseid").mkdir()
    assert "a.senseid is a folder" in here("encrypt", "a", "--force", status=2)[1]


def test_no_device_is_replaced(here: Here) -> None:
    here.path("a", b"hello")
    assert "/dev/null is no regular file" in here("encrypt", "a", "--out", "/dev/null", "--force", status=2)[1]


def test_a_name_that_says_nothing(here: Here) -> None:
    for name in ("sealed", ".senseid", "a.jpg"):
        here.path(name, seal_bytes(b"hello", here.key, entropy=os.urandom))
        assert "say where it goes with --out" in here("decrypt", name, status=2)[1]


def test_sources_that_cannot_be_read(here: Here) -> None:
    os.mkfifo(here.path("pipe"))
    assert "no such file" in here("encrypt", "none", status=3)[1]
    assert "not a regular file" in here("encrypt", "pipe", status=3)[1]
    assert here.names() == []


# What cannot be decrypted leaves no file: see tests/crypto for every bit and length.


def test_what_cannot_be_decrypted(here: Here) -> None:
    container, text = seal_bytes(BIG, here.key, entropy=os.urandom), wire.encrypt_bytes(BIG, here.key)
    broken = {
        "wrong key": seal_bytes(b"hello", PUBLISHED, entropy=os.urandom),
        "wrong wire key": wire.encrypt_bytes(b"hello", PUBLISHED),
        "flipped": container[:-20] + bytes([container[-20] ^ 1]) + container[-19:],
        "flipped header": container[:60] + bytes([container[60] ^ 1]) + container[61:],
        "flipped wire": text[:100] + (b"A" if text[100:101] != b"A" else b"B") + text[101:],
        "cut at a chunk": container[: 85 + 65_552],
        "cut in the header": container[:50],
        "cut wire": text[:-4],
        "trailing": container + b"\0",
        "trailing wire": text + b"AAAA",
        "empty": b"",
        "plain": b"\xff\xd8\xff" + BIG,
        "later version": container[:12] + b"\x02" + container[13:],
    }
    for name, data in broken.items():
        here.path(f"{name}.senseid", data)
        before = here.names()
        for out in ([], ["--delete-source"], ["-o", "out"]):
            _, err = here("decrypt", f"{name}.senseid", *out, status=6)
            assert err.startswith(f"senseid: {name}.senseid: ")
            assert "hint: " in err
            assert here.names() == before
        (line, *_), _ = here("decrypt", f"{name}.senseid", "--json", status=6)
        assert json.loads(line)["code"] == 1200
    here.path("old", b"old")
    here("decrypt", "trailing.senseid", "-o", "old", "--force", status=6)
    assert here.path("old").read_bytes() == b"old"


# Several files.


def test_a_folder(here: Here) -> None:
    for name in ("photos/a.jpg", "photos/deep/er/b.jpg", "photos/c d.mp4"):
        here.path(name, name.encode())
    here.path("outside", b"x")
    here.path("photos/link").symlink_to(here.path("outside"))
    here.path("photos/loop").symlink_to(here.path("photos"))
    out, _ = here("encrypt", "photos")
    assert [line.split("\t")[1] for line in out] == ["photos/a.jpg", "photos/c d.mp4", "photos/deep/er/b.jpg"]
    assert here("encrypt", "photos", "--force")[0] == out  # what is encrypted already is not encrypted again
    here.path("away").mkdir()
    here("decrypt", "photos", "-o", "away")
    assert here.path("away/deep/er/b.jpg").read_bytes() == b"photos/deep/er/b.jpg"
    assert len([name for name in here.names() if name.startswith("away")]) == 3
    here.path("sealed").mkdir()
    here("encrypt", "photos", "--format", "wire", "-o", "sealed")
    here("decrypt", "sealed")
    assert here.path("sealed/deep/er/b.jpg").read_bytes() == b"photos/deep/er/b.jpg"


def test_a_container_under_another_name_goes_elsewhere(here: Here) -> None:
    here.path("photos/a.jpg", seal_bytes(b"hello", here.key, entropy=os.urandom))
    assert "say where it goes" in here("decrypt", "photos", status=2)[1]
    here.path("out").mkdir()
    here("decrypt", "photos", "-o", "out")
    assert here.path("out/a.jpg").read_bytes() == b"hello"


def test_what_cannot_be_read_counts_as_neither(here: Here) -> None:
    assert file_jobs.is_container(here.folder) is None
    assert file_jobs.is_container(here.path("a", b"x")) is False
    assert file_jobs.is_container(here.path("b", seal_bytes(b"", here.key, entropy=os.urandom))) is True


def test_patterns(here: Here) -> None:
    for name in ("a1.jpg", "a2.jpg", "b.jpg", "x/a3.jpg"):
        here.path(name, name.encode())
    assert len(here("encrypt", "a*.jpg")[0]) == 2
    assert len(here("encrypt", "**/a?.jpg", "a1.jpg", "--force")[0]) == 3
    assert "no such file" in here("encrypt", "none*", status=3)[1]


def test_one_broken_file_of_several(here: Here) -> None:
    for name in ("a", "b", "c"):
        here.path(name, name.encode())
    here("encrypt", "a", "b", "c", "--delete-source")
    here.path("b.senseid", here.path("b.senseid").read_bytes()[:-1])
    out, err = here("decrypt", "a.senseid", "b.senseid", "c.senseid", status=6)
    assert [line.split("\t")[2] for line in out] == ["a", "c"]
    assert err.startswith("senseid: b.senseid: does not decrypt")
    out, _ = here("decrypt", "a.senseid", "b.senseid", "none.senseid", "--force", "--json", status=6)
    assert [(body["code"], body["source"]) for body in map(json.loads, out)] == [
        (1000, "a.senseid"),
        (1200, "b.senseid"),
        (1200, "none.senseid"),
    ]


def test_a_bug_ends_the_run(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"x")
    here.path("b", b"x")

    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(convert, "encrypt_file", broken)
    _, err = here("encrypt", "a", "b", status=70)
    assert "secret" not in err


def test_files_that_would_meet(here: Here) -> None:
    for name in ("x/a", "y/a", "a", "a.senseid"):
        here.path(name, b"x")
    here.path("out").mkdir()
    assert "would both become out/a.senseid" in here("encrypt", "x/a", "y/a", "-o", "out", status=2)[1]
    assert "which is another of the files" in here("encrypt", "a", "a.senseid", "--force", status=2)[1]
    assert "must be a folder that exists" in here("encrypt", "x/a", "y/a", "-o", "new", status=2)[1]
    assert "must be a folder that exists" in here("encrypt", "x", "-o", "new", status=2)[1]
    assert here.names() == ["a", "a.senseid", "x/a", "y/a"]


def test_a_folder_that_cannot_be_made(here: Here) -> None:
    here.path("x/deep/a", b"x")
    here.path("out/deep", b"a file")
    assert "out/deep cannot be made" in here("encrypt", "x", "-o", "out", status=70)[1]


def test_what_a_killed_process_left_is_passed_over(here: Here) -> None:
    here.path("d/.senseid-abc", b"a half")
    assert here("encrypt", "d") == ([], "note: there is no file to be worked on\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_away_what_is_half_written(
    here: Here, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """And ends the process then. What it does to a real one: tests/e2e."""
    here.path("a", b"hello")
    sent = []
    monkeypatch.setattr(run.os, "kill", lambda _, number: sent.append((number, here.names())))
    monkeypatch.delattr(os, "O_TMPFILE")
    monkeypatch.setattr(convert, "_write", lambda *_: signal.raise_signal(number))
    before = signal.getsignal(number)
    try:
        signal.signal(number, signal.SIG_DFL)
        here("encrypt", "a")
        assert sent == [(number, ["a"])]
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """`nohup senseid encrypt ...`"""
    here.path("a", b"hello")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        real = convert.encrypt_file

        def hung_up(*rest: object) -> None:
            signal.raise_signal(signal.SIGHUP)
            real(*rest)  # type: ignore[arg-type]

        monkeypatch.setattr(convert, "encrypt_file", hung_up)
        here("encrypt", "a")
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert here.names() == ["a", "a.senseid"]


def test_an_empty_folder(here: Here) -> None:
    here.path("empty").mkdir()
    for command in (["encrypt"], ["decrypt"], ["key", "rotate"]):
        assert here(*command, "empty") == ([], "note: there is no file to be worked on\n")


# Deleting the source.


@pytest.mark.parametrize("form", ["container", "wire"])
def test_the_source_goes_when_the_result_is_sure(here: Here, form: str) -> None:
    here.path("a", BIG)
    here("encrypt", "a", "--format", form, "--delete-source")
    (sealed,) = here.names()
    here("decrypt", sealed, "--delete-source")
    assert here.names() == ["a"]
    assert here.path("a").read_bytes() == BIG


@pytest.mark.parametrize("command", ["encrypt", "decrypt"])
def test_a_disk_that_forgets(here: Here, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    here.path("a", BIG)
    here("encrypt", "a")
    before = here.names()
    real = convert.sync

    def forgets(file: io.BufferedRandom) -> None:
        real(file)
        file.seek(150_000)
        file.write(b"\0\0\0\0")

    monkeypatch.setattr(convert, "sync", forgets)
    word = "a" if command == "encrypt" else "a.senseid"
    _, err = here(command, word, "-o", "new", "--delete-source", status=6 if command == "encrypt" else 70)
    assert "does not" in err
    assert here.names() == before


def test_a_source_that_changes_meanwhile_is_kept(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = here.path("a", BIG), convert.sync

    def changing(file: io.BufferedRandom) -> None:
        real(file)
        path.write_bytes(BIG[:-1] + bytes([BIG[-1] ^ 1]))

    with monkeypatch.context() as patch:
        patch.setattr(convert, "sync", changing)
        assert "source changed meanwhile" in here("encrypt", "a", "--delete-source", status=70)[1]
    assert here.names() == ["a"]

    def exchanging(file: io.BufferedRandom) -> None:
        real(file)
        path.rename(path.with_name("b"))
        path.write_bytes(b"another")

    monkeypatch.setattr(convert, "sync", exchanging)
    assert "was exchanged or changed meanwhile, and is kept" in here("encrypt", "a", "--delete-source", status=70)[1]
    assert path.read_bytes() == b"another"


def test_a_source_that_cannot_be_deleted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several: the others are done."""
    here.path("a", b"hello")
    here.path("b", b"hello")
    real = type(here.folder).unlink

    def refuses(path: Path, **options: bool) -> None:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        real(path, **options)

    monkeypatch.setattr(type(here.folder), "unlink", refuses)
    _, err = here("encrypt", "a", "b", "--delete-source", status=70)
    assert err.startswith("senseid: a cannot be deleted: permission denied\n")
    assert here.names() == ["a", "a.senseid", "b.senseid"]


def test_the_name_of_the_result_is_sure_before_the_source_goes(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    here.path("out").mkdir()
    seen = []
    monkeypatch.setattr(convert, "sync_folder", lambda folder: seen.append((str(folder), here.names())))
    here("encrypt", "a", "--out", "out", "--delete-source")
    assert seen == [("out", ["a", "out/a.senseid"])]


def test_content_with_a_second_name_is_kept(here: Here) -> None:
    path = here.path("a", b"hello")
    here.path("symbolic").symlink_to(path)
    assert "has another name too" in here("encrypt", "symbolic", "--delete-source", status=2)[1]
    here.path("hard").hardlink_to(path)
    assert "has another name too" in here("encrypt", "a", "--delete-source", status=2)[1]
    assert here.names() == ["a", "hard", "symbolic"]


# Keys.


def test_no_key_to_encrypt_with(bare: Here) -> None:
    bare.path("a", b"hello")
    _, err = bare("encrypt", "a", status=2)
    assert "senseid key generate" in err
    assert bare.names() == ["a"]


def test_generate(bare: Here) -> None:
    (line,), err = bare("key", "generate")
    path = bare.home / "keys" / "default.key"
    assert line == f"made\tdefault\t{bare.key.id}\t{path}"
    assert "keep a copy" in err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bare.key.secret.decode() not in line + err
    assert "never overwritten" in bare("key", "generate", status=2)[1]
    (line,), _ = bare("key", "generate", "work", "--json")
    assert json.loads(line)["name"] == "work"


def test_list(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here("key", "generate", "work")
    out, err = here("key", "list")
    assert [line.split("\t")[1] for line in out] == ["default", "work"]
    assert out[0].split("\t")[0] == here.key.id
    assert err == ""
    (here.home / "keys" / "work.key").chmod(0o644)
    monkeypatch.setenv("PARAM_DECRYPT_KEY", PUBLISHED.secret.decode())
    out, err = here("key", "list", "--json")
    first, _, work_key = map(json.loads, out)
    assert (first["place"], first["formats"], first["name"]) == ("environment", "container", "-")
    assert "published default" in first["weaknesses"][0]
    assert work_key["weaknesses"] == []
    assert "published default" in err
    assert "can be read by others: run `chmod 600" in err
    assert PUBLISHED.secret.decode() not in "".join(out) + err


def test_a_named_key(here: Here) -> None:
    here("key", "generate", "work")
    here.path("a", b"hello")
    here("encrypt", "a", "--key", "work", "-o", "one")
    here("encrypt", "a", "--key-file", here.home / "keys" / "work.key", "-o", "two")
    for name in ("one", "two"):
        here("decrypt", name, "-o", "back", "--force")
        here("decrypt", name, "-o", "back", "--force", "--key", "work")
        assert "needs the key" in here("decrypt", name, "-o", "back", "--force", "--key", "default", status=6)[1]
    assert "no key of that name" in here("encrypt", "a", "--key", "none", "-o", "x", status=6)[1]


def test_a_key_file_that_is_a_pipe(here: Here) -> None:
    """`--key-file <(pass show senseid)` gives the key once."""
    for name in ("a", "b"):
        here.path(name, BIG)
    here("encrypt", "a", "b", "--delete-source")
    key = (here.home / "keys" / "default.key").read_bytes()
    (here.home / "keys" / "default.key").unlink()
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(key)
    with os.fdopen(reader, "rb"):
        here("decrypt", "a.senseid", "b.senseid", "--delete-source", "--key-file", f"/dev/fd/{reader}")
    assert here.names() == ["a", "b"]


def test_a_dotenv_file(bare: Here) -> None:
    bare.path(".env", b"PARAM_DECRYPT_KEY = dcbbad6765e14139a07d34b92292a672\nPARAM_DECRYPT_IV = df25d188a061\n")
    bare.path("a", b"hello world")
    _, err = bare("encrypt", "a", "--format", "wire")
    assert bare.path("a.b64").read_bytes() == GOLDEN
    assert "published default of the service's manual: everybody has it" in err
    assert err.count(f"the key {PUBLISHED.id} is that of .env in this folder, which was not named") == 1


def test_a_strangers_dotenv_file(here: Here) -> None:
    """It does not take the place of the user's own key, and one in a shared folder is not even read."""
    theirs = here.path(".env", b"PARAM_DECRYPT_KEY=dcbbad6765e14139a07d34b92292a672\nPARAM_DECRYPT_IV=df25d188a061\n")
    here.path("a", b"x")
    _, err = here("encrypt", "a", "--delete-source")
    assert err == ""
    assert open_bytes(here.path("a.senseid").read_bytes(), [here.key]) == b"x"
    theirs.chmod(0o666)
    (here.home / "keys" / "default.key").unlink()
    here.path("b", b"x")
    _, err = here("encrypt", "b", "--delete-source", status=2)
    assert "note: .env of this folder is not read: others may write to" in err
    assert "there is no key to encrypt with" in err
    assert here.path("b").exists()


def test_the_fixed_iv_is_mentioned_once(here: Here) -> None:
    for name in ("a", "b", "c"):
        here.path(name, b"x")
    _, err = here("encrypt", "a", "b", "c", "--format", "wire")
    assert err.count("fixed IV") == 1
    assert here("encrypt", "a", "b", "c")[1] == ""


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("dcbbad6765e14139a07d34b92292a672", "published default"),
        ("0123456789abcdef0123456789abcdee", "only 128 bits"),
        ("passwordpasswordpasswordpassword", "little variety"),
    ],
)
def test_weak_keys_are_called_out(bare: Here, monkeypatch: pytest.MonkeyPatch, secret: str, words: str) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", secret)
    bare.path("a", b"x")
    _, err = bare("encrypt", "a")
    assert words in err
    assert secret not in err


def test_a_wire_key_needs_an_iv(bare: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k")
    bare.path("a", b"x")
    assert "PARAM_DECRYPT_IV" in bare("encrypt", "a", "--format", "wire", status=2)[1]
    bare("encrypt", "a")
    assert bare.names() == ["a", "a.senseid"]


def test_no_key_on_the_command_line(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    """No option takes a secret, and one that is given in place of a name is not repeated."""
    secret = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k"
    here.path("a", b"x")
    for words in (
        ["encrypt", "a", "--key", secret],
        ["encrypt", "a", "--key", secret + "=="],
        ["key", "generate", "=" + secret],
    ):
        out, err = here(*words, status=6 if words[-1] == secret else 2)
        assert secret not in "".join(out) + err


# Rotation.


def rotated(here: Here) -> list[Path]:
    for name in ("photos/a", "photos/deep/b", "photos/c"):
        here.path(name, name.encode() * 30_000)
    here("encrypt", "photos", "--delete-source")
    here.path("photos/text.b64", GOLDEN)
    here.path("photos/plain", b"plain")
    return [here.path(f"photos/{name}.senseid") for name in ("a", "c", "deep/b")]


def key_ids(paths: Sequence[Path]) -> set[str]:
    return {path.read_bytes()[13:21].hex() for path in paths}


def test_rotate(here: Here) -> None:
    paths, old = rotated(here), here.key
    paths[0].chmod(0o600)
    os.utime(paths[0], ns=(10**18, 10**18))
    out, err = here("key", "rotate", "photos")
    new = here.key
    assert new.id != old.id
    assert out == [f"re-encrypted\tphotos/{path.relative_to(here.path('photos'))}\t{new.id}" for path in paths]
    assert err == ""
    assert key_ids(paths) == {new.id}
    assert open_bytes(paths[2].read_bytes(), [new]) == b"photos/deep/b" * 30_000
    assert (stat.S_IMODE(paths[0].stat().st_mode), paths[0].stat().st_mtime_ns) == (0o600, 10**18)
    assert here.path("photos/text.b64").read_bytes() == GOLDEN
    assert [key.id for key in installation.key_sources()] == [new.id, old.id]
    assert sorted(path.name for path in (here.home / "keys").iterdir()) == [f"default-{old.id}.key", "default.key"]
    here("key", "rotate", "photos", "--json")
    assert key_ids(paths) == {here.key.id} != {new.id}


def test_a_first_key_by_rotation(bare: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k")
    bare.path("d/a", b"x")
    bare("encrypt", "d", "--delete-source")
    bare("key", "rotate", "d")
    monkeypatch.delenv("PARAM_DECRYPT_KEY")
    bare("decrypt", "d")
    assert bare.path("d/a").read_bytes() == b"x"


def test_an_interrupted_rotation_goes_on(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, old, real = rotated(here), here.key, convert.reencrypt_file
    done: list[Path] = []

    def interrupted(path: Path, *rest: object) -> bool:
        if done:
            raise KeyboardInterrupt
        done.append(path)
        return real(path, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(convert, "reencrypt_file", interrupted)
        here("key", "rotate", "photos", status=130)
    new = here.key
    assert key_ids(paths) == {old.id, new.id}
    assert here("encrypt", "photos/plain", "-o", "x")[0][0].endswith(new.id)
    here.path("elsewhere").mkdir()
    _, err = here("key", "rotate", "elsewhere", status=2)
    assert "is not complete" in err
    out, _ = here("key", "rotate", "photos")
    assert len(out) == 2  # the one that was done is not done again
    assert here.key.id == new.id
    assert key_ids(paths) == {new.id}
    here("key", "rotate", "elsewhere")
    assert here.key.id != new.id


def test_a_container_that_cannot_be_read_holds_the_rotation_open(here: Here) -> None:
    paths = rotated(here)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:-1])
    out, err = here("key", "rotate", "photos", status=6)
    assert len(out) == 2
    assert "c.senseid: does not decrypt" in err
    assert "run the same command again" in err
    assert paths[1].read_bytes() == whole[:-1]
    paths[1].write_bytes(whole)
    out, _ = here("key", "rotate", "photos")
    assert len(out) == 1
    assert key_ids(paths) == {here.key.id}


def test_a_disk_that_forgets_keeps_the_old_container(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, old = rotated(here), here.key
    real = convert.sync

    def forgets(file: io.BufferedRandom) -> None:
        real(file)
        file.seek(200)
        file.write(b"\0\0\0\0")

    monkeypatch.setattr(convert, "sync", forgets)
    here("key", "rotate", "photos", status=6)
    assert key_ids(paths) == {old.id}


def test_a_mistyped_key_is_not_made_by_rotating_to_it(here: Here) -> None:
    paths = rotated(here)
    before = [path.read_bytes() for path in paths]
    _, err = here("key", "rotate", "photos", "--key", "defualt", status=6)
    assert "there is no key of that name" in err
    assert [path.read_bytes() for path in paths] == before
    assert "defualt" not in here("key", "list")[0]


def test_what_cannot_be_rotated(here: Here) -> None:
    here.path("file", b"x")
    assert "file is no folder" in here("key", "rotate", "file", status=2)[1]
    assert "none is no folder" in here("key", "rotate", "none", status=2)[1]
    note = here.home / "keys" / "default.rotation"
    here.path("d").mkdir()
    for broken in (b"", b"[]", b"{}", b'{"folders": 1}', b"\xff"):
        note.write_bytes(broken)
        assert "delete it, and begin again" in here("key", "rotate", "d", status=2)[1]
    note.unlink()
    note.mkdir()
    assert "default.rotation cannot be read: is a directory" in here("key", "rotate", "d", status=2)[1]
    note.rmdir()
    note.write_text(json.dumps({"format": "senseid-rotation/1", "folders": [str(here.path("d"))]}))
    (here.home / "keys" / "default.key").unlink()
    assert "is gone" in here("key", "rotate", "d", status=2)[1]


def test_keys_are_made_now(here: Here) -> None:
    created = here("key", "list")[0][0].split("\t")[2]
    age = datetime.now(UTC) - datetime.fromisoformat(created)
    assert 0 <= age.total_seconds() < 60
