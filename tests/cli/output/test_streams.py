"""Standard output: a reader that leaves, a full disk, characters that an encoding lacks."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid.errors import OutputError
from senseid_cli.output.streams import reader_left, tolerant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="ascii") as stream:
        yield reader, stream


def test_it_writes(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    out = tolerant(stream)
    out.write("one\n")
    out.flush()
    assert os.read(reader, 100) == b"one\n"
    os.close(reader)


def test_a_character_that_the_encoding_lacks(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    out = tolerant(stream)
    out.write("ü\udcff")
    out.flush()
    assert os.read(reader, 100) == b"\\xfc\\udcff"
    os.close(reader)


def test_a_reader_that_leaves_is_no_error(pipe: tuple[int, TextIO]) -> None:
    reader, stream = pipe
    out = tolerant(stream)
    os.close(reader)
    assert not reader_left(out)
    for _ in range(3):
        out.write("x" * 100_000)
        out.flush()
        assert reader_left(out)
    out.close()
    assert not reader_left(io.StringIO())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said_once() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        out = tolerant(stream)
        out.write("x")
        with pytest.raises(OutputError, match="no space left on device"):
            out.flush()
        out.write("x")
        out.close()


def test_a_terminal_keeps_its_stream() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w", encoding="ascii") as stream:
        out = tolerant(stream)
        assert out is stream
        assert isinstance(out, io.TextIOWrapper)
        assert out.errors == "backslashreplace"
    os.close(leader)


def test_a_stream_of_another_kind_is_left_alone() -> None:
    class Window(io.StringIO):
        def isatty(self) -> bool:
            return True

    window = Window()
    assert tolerant(window) is window
