"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid
from tests.e2e.encryption.conftest import ENVIRONMENT, KEY, MARK, SIZE, seal
from tests.e2e.screen import all_of, typed_on_terminal


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
        seen = all_of(leader)
    return process.returncode, seen


def test_results_stand_beside_no_remains_of_the_progress_bar(senseid: Senseid, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(MARK * 100_000)
    seen = typed_on_terminal(
        f"{sys.executable} -m senseid_cli encrypt a b",
        folder=tmp_path,
        environment=senseid.environment(ENVIRONMENT),
    )
    words = [line.split()[0] for line in seen.splitlines()]
    assert words == ["encrypted", "encrypted", "senseid:", "hint:"] or words[:2] == ["encrypted"] * 2, seen
    assert "━" not in seen


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
