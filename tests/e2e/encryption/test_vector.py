"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


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
