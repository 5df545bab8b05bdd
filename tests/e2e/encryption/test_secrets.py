"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from senseid_crypto.key import parse_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid
from tests.e2e.encryption.conftest import ENVIRONMENT, IV, MARK, PLAIN, SECRET, holding, key_of, seal


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
    assert done.returncode == {"broken key": 2, "unwritable": 2, "full disk": 70}.get(kind, 6)
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
