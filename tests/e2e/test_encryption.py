"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire
from senseid_crypto.key import Key, parse_key
from senseid_crypto.key_folder import KeyFolder
from senseid_crypto.sealed import open_bytes, seal_bytes
from tests.e2e.conftest import heed_sigint, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Senseid

SECRET, IV = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5"
KEY = parse_key(SECRET, IV)
ENVIRONMENT = {"PARAM_DECRYPT_KEY": SECRET, "PARAM_DECRYPT_IV": IV}
# A plaintext that is found wherever it is.
MARK = b"the plaintext of a face "
PLAIN = MARK * 100_000
LONG = MARK * 1_000_000
SIZE = 8 * 1024 * 1024


@pytest.fixture
def home(senseid: Senseid, tmp_path: Path) -> Senseid:
    """Licensed, with a key of its own, and with nothing else that this test has not put there."""
    shutil.copytree(senseid.home, tmp_path / "home")
    home = type(senseid)(tmp_path / "home")
    assert home("key", "generate").returncode == 0
    return home


def key_of(home: Senseid) -> Key:
    stored = KeyFolder(home.home / "keys").read("default")
    assert stored is not None
    return stored.load()


def seal(data: bytes, key: Key = KEY) -> bytes:
    return seal_bytes(data, key, entropy=os.urandom)


# Encrypted media.


@pytest.fixture(scope="module")
def pair(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Two photos of one person, plain and in both formats, under names that say nothing."""
    folder = tmp_path_factory.mktemp("pair")
    plain = photos["obama.jpg"], photos["obama2.jpg"]
    made = {"plain": plain}
    for form, encrypt in (("container", seal), ("wire", lambda data: wire.encrypt_bytes(data, KEY) + b"\n")):
        paths = [folder / f"{form}{number}.jpg" for number in (1, 2)]
        for path, source in zip(paths, plain, strict=True):
            path.write_bytes(encrypt(source.read_bytes()))
        made[form] = (paths[0], paths[1])
    return made


@pytest.mark.parametrize("form", ["container", "wire"])
def test_encrypted_photos_are_compared_like_plain_ones(
    senseid: Senseid, pair: dict[str, tuple[Path, Path]], form: str
) -> None:
    plain = senseid.json("compare", *pair["plain"], status=0)
    done = senseid("compare", *pair[form], "--json", env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["verification_score"] == plain["verification_score"]


def same_but_for_ids(one: bytes, other: bytes) -> bool:
    def stripped(data: bytes) -> list[object]:
        bodies = [json.loads(line) for line in data.splitlines()]
        for body in bodies:
            body.pop("request_id", None)
        return bodies

    return stripped(one) == stripped(other) != []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["container", "wire"])
def test_every_command_takes_encrypted_media(
    senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path, form: str
) -> None:
    """Quality, liveness, verify and batch answer as they do for plain media under the same names."""
    answers: dict[str, list[subprocess.CompletedProcess[bytes]]] = {}
    for kind in ("plain", form):
        folder = tmp_path / kind
        folder.mkdir()
        for name, data in (("photo", photos["obama.jpg"].read_bytes()), ("video", still_clip)):
            sealed = data if kind == "plain" else seal(data) if kind == "container" else wire.encrypt_bytes(data, KEY)
            (folder / name).write_bytes(sealed)
        (folder / "pairs.csv").write_text("first,second\nphoto,photo\n")
        answers[kind] = [
            senseid(*words, cwd=folder, env=ENVIRONMENT)
            for words in (
                ("quality", "photo", "--json"),
                ("liveness", "video", "--json"),
                ("verify", "video", "photo", "--json"),
                ("batch", "pairs.csv", "--json"),
            )
        ]
    for plain, encrypted in zip(answers["plain"], answers[form], strict=True):
        assert encrypted.returncode == plain.returncode in {0, 1}, encrypted.stderr
        assert same_but_for_ids(encrypted.stdout, plain.stdout)


def test_a_mixed_pair_through_a_pipe(senseid: Senseid, pair: dict[str, tuple[Path, Path]]) -> None:
    words = ("omni", "-", pair["wire"][1])
    body = senseid.json(*words, stdin=pair["container"][0].read_bytes(), env=ENVIRONMENT, status=0)
    assert body["scores"] == senseid.json("omni", *pair["plain"], status=0)["scores"]


@pytest.mark.parametrize("form", ["container", "wire"])
@pytest.mark.parametrize(
    "key", [{}, {"PARAM_DECRYPT_KEY": SECRET[::-1], "PARAM_DECRYPT_IV": IV}], ids=["none", "other"]
)
def test_media_that_cannot_be_decrypted(
    senseid: Senseid, pair: dict[str, tuple[Path, Path]], form: str, key: dict[str, str]
) -> None:
    done = senseid("compare", pair["plain"][0], pair[form][0], "--json", env={**dict.fromkeys(ENVIRONMENT, ""), **key})
    assert done.returncode == 6
    body = json.loads(done.stdout)
    assert (body["code"], body["message"]) == (1200, "invalid argument")
    first, second = done.stderr.decode().splitlines()
    assert first.startswith(f"senseid: {pair[form][0]}: ")
    assert second.startswith("hint: ")


def test_the_licence_comes_before_the_key(pair: dict[str, tuple[Path, Path]], senseid: Senseid, tmp_path: Path) -> None:
    assert type(senseid)(tmp_path)("compare", *pair["wire"]).returncode == 4


# The golden vector, as a user types it.


def test_the_golden_vector(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "PARAM_DECRYPT_KEY = dcbbad6765e14139a07d34b92292a672\nPARAM_DECRYPT_IV = df25d188a061\n"
    )
    made = senseid("encrypt", "--format", "wire", "-", stdin=b"hello world", cwd=tmp_path)
    assert made.stdout == b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P"
    assert made.stderr.count(b"fixed IV") == 1
    assert b"published default" in made.stderr
    done = senseid("decrypt", "--key-file", ".env", "-", stdin=made.stdout, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello world", b"")


# Terminals.


def on_terminal(
    senseid: Senseid, *words: str | Path, env: dict[str, str] | None = None, stdout: int | None = None
) -> tuple[int, bytes]:
    """Runs it with a terminal as standard error, and as standard output unless that is given."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        senseid.command(*words),
        stdin=subprocess.DEVNULL,
        stdout=follower if stdout is None else stdout,
        stderr=follower,
        env=senseid.environment({"TERM": "xterm", "COLUMNS": "100", **(env or {})}),
    ) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            seen += part
            if not part:
                break
    os.close(leader)
    return process.returncode, seen


def test_no_binary_data_go_to_a_terminal(senseid: Senseid, tmp_path: Path) -> None:
    photo, sealed = tmp_path / "photo", tmp_path / "sealed"
    photo.write_bytes(b"\xff\xd8\xff" + MARK)
    sealed.write_bytes(seal(photo.read_bytes()))
    for words in (("encrypt", photo, "--out", "-"), ("decrypt", sealed, "--out", "-")):
        status, seen = on_terminal(senseid, *words, env=ENVIRONMENT)
        assert status == 2
        assert b"binary data are not written to a terminal" in seen
        assert MARK not in seen
        assert b"senseid\r\n\x1a" not in seen


@pytest.mark.parametrize("data", [b"\x1b[2J" + MARK, b"text\0" + MARK, MARK * 10_000], ids=["escape", "nul", "long"])
def test_a_terminal_gets_a_little_plain_text_and_no_more(senseid: Senseid, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "sealed").write_bytes(seal(data))
    (tmp_path / "text").write_bytes(seal("grüße\n\tund mehr\n".encode()))
    status, seen = on_terminal(senseid, "decrypt", tmp_path / "sealed", "--out", "-", env=ENVIRONMENT)
    assert status == 2
    assert MARK not in seen
    status, seen = on_terminal(senseid, "decrypt", tmp_path / "text", "--out", "-", env=ENVIRONMENT)
    assert (status, seen.replace(b"\r\n", b"\n")) == (0, "grüße\n\tund mehr\n".encode())


def test_wire_text_may_go_to_a_terminal(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    status, seen = on_terminal(senseid, "encrypt", "--format", "wire", tmp_path / "a", "-o", "-", env=ENVIRONMENT)
    assert status == 0
    assert seen.endswith(wire.encrypt_bytes(b"hello", KEY))


def test_the_progress_bar_is_for_a_terminal(senseid: Senseid, tmp_path: Path) -> None:
    """And results still go where standard output goes."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(os.urandom(SIZE))
    with (tmp_path / "results").open("wb") as results:
        status, seen = on_terminal(
            senseid, "encrypt", *sorted(tmp_path.glob("*.jpg")), env=ENVIRONMENT, stdout=results.fileno()
        )
    assert status == 0
    assert b"encrypting" in seen
    assert b"MB" in seen
    lines = (tmp_path / "results").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["encrypted"] * 3
    done = senseid("encrypt", *sorted(tmp_path.glob("*.jpg")), "--force", env=ENVIRONMENT)
    assert (done.stderr, done.stdout.decode().splitlines()) == (b"", lines)


# Signals.


@pytest.fixture
def halfway(senseid: Senseid, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Path]]]:
    """Starts a decryption of a pipe into a file, and feeds it a half of what it needs.

    What it gives takes Python code that stands for the program.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def start(program: str | None = None) -> tuple[subprocess.Popen[bytes], Path]:
        work, temporary = tmp_path / "work", tmp_path / "temporary"
        work.mkdir()
        temporary.mkdir()
        sealed, words = seal(LONG), ("decrypt", "-", "--out", "plain.bin")
        process = subprocess.Popen(
            senseid.command(*words) if program is None else [sys.executable, "-c", program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=senseid.environment({**ENVIRONMENT, "TMPDIR": str(temporary)}),
            cwd=work,
            preexec_fn=heed_sigint,
        )
        processes.append(process)
        assert process.stdin is not None
        process.stdin.write(sealed[: len(sealed) // 2])
        process.stdin.flush()
        wait_until(lambda: written_so_far(process) > 3_000_000, process)
        return process, tmp_path

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def written_so_far(process: subprocess.Popen[bytes]) -> int:
    """Bytes that the process has written, as the system counts them."""
    facts = dict(line.split(": ") for line in Path(f"/proc/{process.pid}/io").read_text().splitlines())
    return int(facts["wchar"])


def holding(folder: Path, *needles: bytes) -> list[Path]:
    """The files below a folder that hold one of these."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(needle in path.read_bytes() for needle in needles)]


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name, and /proc, are Linux's")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_ended_leaves_no_plaintext(
    halfway: Callable[[], tuple[subprocess.Popen[bytes], Path]], how: signal.Signals
) -> None:
    process, folder = halfway()
    assert holding(folder, MARK) == []  # while it runs, too
    process.send_signal(how)
    _, err = process.communicate()
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    assert b"Traceback" not in err
    assert list((folder / "work").iterdir()) == list((folder / "temporary").iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_is_half_written_goes_where_files_need_a_name(
    halfway: Callable[..., tuple[subprocess.Popen[bytes], Path]], how: signal.Signals
) -> None:
    """As on a memory stick: its file system has no files without a name."""
    # Under nohup the tests, and what they start, ignore SIGHUP, and the program leaves that as it is.
    undo = "import os, signal; del os.O_TMPFILE; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    process, folder = halfway(f"{undo}; from senseid_cli.app import main; main()")
    assert holding(folder / "work", MARK) != []
    process.send_signal(how)
    _, err = process.communicate()
    assert process.returncode == (130 if how is signal.SIGINT else -how)
    assert err == b""
    assert list((folder / "work").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_nobody_sees_a_secret_in_a_running_process(
    halfway: Callable[[], tuple[subprocess.Popen[bytes], Path]],
) -> None:
    process, folder = halfway()
    line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"decrypt" in line
    assert SECRET.encode() not in line
    assert IV.encode() not in line
    open_files = [str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    mine = [path for path in open_files if path.startswith(str(folder))]
    assert len(mine) == 1
    assert mine[0].endswith("(deleted)")  # the output, which has no name
    assert holding(folder, MARK, SECRET.encode()) == []


def test_a_damaged_end_leaves_nothing(senseid: Senseid, tmp_path: Path) -> None:
    sealed = seal(PLAIN)
    for data in (sealed[:-1], sealed + b"x", sealed[:-1] + bytes([sealed[-1] ^ 1])):
        done = senseid("decrypt", "-", "--out", tmp_path / "plain", stdin=data, env=ENVIRONMENT)
        assert done.returncode == 6
        done = senseid("decrypt", "-", stdin=data, env=ENVIRONMENT)
        assert (done.returncode, done.stdout) == (6, b"")
    assert list(tmp_path.iterdir()) == []


# Secrets.


@pytest.mark.parametrize("kind", ["other key", "flipped", "cut", "trailing", "broken key", "unwritable", "full disk"])
def test_no_error_tells_a_secret(senseid: Senseid, tmp_path: Path, kind: str) -> None:
    """With --debug, so that tracebacks are shown where there are any."""
    sealed, environment, words = seal(PLAIN), dict(ENVIRONMENT), ["--out", str(tmp_path / "out")]
    if kind == "other key":
        environment["PARAM_DECRYPT_KEY"] = SECRET[::-1]
    elif kind == "flipped":
        sealed = sealed[:100] + bytes([sealed[100] ^ 1]) + sealed[101:]
    elif kind == "cut":
        sealed = sealed[:-100]
    elif kind == "trailing":
        sealed += b"\0"
    elif kind == "broken key":
        environment["PARAM_DECRYPT_KEY"] = SECRET + "!"
    elif kind == "unwritable":
        words = ["--out", str(tmp_path / "none" / "out")]
    (tmp_path / "sealed").write_bytes(sealed)
    command = [*senseid.command("--debug", "decrypt", tmp_path / "sealed"), *words]
    if kind == "full disk":
        command = ["/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *command]
    done = subprocess.run(command, capture_output=True, env=senseid.environment(environment), check=False)
    assert done.returncode == {"broken key": 2, "unwritable": 70, "full disk": 70}.get(kind, 6)
    assert b"Traceback" in done.stderr
    for secret in (SECRET.encode(), SECRET[::-1].encode(), IV.encode(), MARK):
        assert secret not in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sealed"]


def test_no_result_tells_a_secret(home: Senseid, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PLAIN[:100_000])
    secret = key_of(home).secret
    shown = b""
    for words in (
        ("encrypt", tmp_path / "plain"),
        ("decrypt", tmp_path / "plain.senseid", "--force", "--json"),
        ("key", "list"),
        ("key", "list", "--json"),
        ("key", "generate", "work"),
        ("key", "rotate", tmp_path),
        ("doctor",),
    ):
        done = home(*words)
        shown += done.stdout + done.stderr
    assert secret not in shown
    assert MARK not in shown
    # The key is in its file, and nowhere else.
    assert [path.name for path in holding(tmp_path, secret)] == [f"default-{home_key_id(secret)}.key"]


def home_key_id(secret: bytes) -> str:
    return parse_key(secret.decode(), None).id


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_system_calls_agree(senseid: Senseid, pair: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """Comparing encrypted photos creates no file; decrypting one creates the one that was asked for."""
    (tmp_path / "sealed").write_bytes(seal(PLAIN))
    for words, allowed in (
        (("compare", *pair["container"]), ("clock.json",)),
        (("decrypt", tmp_path / "sealed", "--out", tmp_path / "plain"), (str(tmp_path),)),
    ):
        log = tmp_path / "strace.log"
        calls = "trace=open,openat,openat2,creat,memfd_create,mknod,mknodat"
        done = subprocess.run(
            ["strace", "-f", "-qq", "-e", calls, "-o", str(log), *senseid.command(*words)],
            capture_output=True,
            env=senseid.environment({**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}),
            check=False,
        )
        if not log.exists() or not log.stat().st_size:
            pytest.skip(f"strace may not trace here: {done.stderr[-200:]!r}")
        assert done.returncode == 0
        lines = log.read_text(errors="replace").splitlines()
        made = [
            line for line in lines if any(word in line for word in ("O_CREAT", "O_TMPFILE", "memfd_create", "mknod"))
        ]
        # Not ours: a semaphore of the C library's, and what coverage writes where it measures.
        others = (" = -1 ", "/dev/shm/sem.", "/.coverage.")
        made = [line for line in made if not any(word in line for word in others)]
        assert all(any(word in line for word in allowed) for line in made), made
        log.unlink()


# Rotation.


@pytest.mark.slow
def test_a_rotation_that_is_killed_goes_on(home: Senseid, tmp_path: Path) -> None:
    """Again and again, at whatever moment; at each, every container opens under a key that is known."""
    folder = tmp_path / "media"
    folder.mkdir()
    plain = {folder / f"{number}.senseid": os.urandom(3_000_000) for number in range(12)}
    old, note = key_of(home), home.home / "keys" / "default.rotation"
    for path, data in plain.items():
        path.write_bytes(seal(data, old))
    ended = []
    for pause in (0.0, 0.3, 0.5, 0.7, 0.9, 1.1, 60.0):
        with subprocess.Popen(
            home.command("key", "rotate", folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=home.environment(),
        ) as process:
            try:
                process.wait(timeout=pause)
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
            ended.append(process.returncode)
        known = KeyFolder(home.home / "keys")
        keys = [stored.load() for name in known.names() if (stored := known.read(name))]
        assert old.id in {key.id for key in keys}
        for path, data in plain.items():
            assert open_bytes(path.read_bytes(), keys) == data
        if ended[-1] == 0 or (key_of(home).id != old.id and not note.exists()):
            break  # all is done, if only just before the kill
    assert not note.exists()
    assert -signal.SIGKILL in ended
    new = key_of(home)
    assert new.id != old.id
    assert len(keys) == 2  # not one more key for every attempt
    assert {path.read_bytes()[13:21] for path in plain} == {new.raw_id}
    assert {path.suffix for path in folder.iterdir()} == {".senseid"}
    assert sorted(path.suffix for path in (home.home / "keys").iterdir()) == [".key", ".key"]
