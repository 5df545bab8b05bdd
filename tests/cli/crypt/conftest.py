"""Fixtures and helpers of these tests."""

from __future__ import annotations

import io
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from senseid import installation
from senseid_cli import app as cli
from senseid_crypto.key import Key, parse_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
