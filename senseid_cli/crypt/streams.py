"""Sources and targets of encrypted and plain bytes: files, pipes, standard streams."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from senseid.errors import OutputError, RefusedError
from senseid_cli import media
from senseid_cli.output import streams
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO


_PIECE = 1024 * 1024

# Bytes of a copy that stay in memory before it moves to an unnamed temporary file; it is ciphertext.
_SPOOLED = 32 * 1024 * 1024

# The most text that is printed on a terminal.
_MOST_ON_TERMINAL = 64 * 1024


class Reader:
    """An open file or pipe that reports progress and raises clear errors."""

    def __init__(self, file: BinaryIO, name: str, advance: Callable[[int], None]) -> None:
        self._file = file
        self._name = name
        self._advance = advance
        self._start = b""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start, and return the number of bytes."""
        from senseid_engine.media import reading

        if self._start:
            count = min(len(buffer), len(self._start))
            buffer[:count] = self._start[:count]
            self._start = self._start[count:]
            return count
        with reading(self._name, "file"):
            count = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._advance(count)
        return count or 0

    def look(self, length: int) -> bytes:
        """Return the next bytes without consuming them."""
        from senseid_crypto.chunks import read_fully

        room = bytearray(length)
        self._start = bytes(room[: read_fully(self, memoryview(room))])
        return self._start


class Pieces:
    """A reader over an iterable of bytes."""

    def __init__(self, pieces: Iterator[bytes | memoryview]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start, and return the number of bytes."""
        while not self._rest:
            rest = next(self._pieces, None)
            if rest is None:
                return 0
            self._rest = memoryview(rest)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@contextmanager
def opened(source: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input.

    Raises:
        MediaError: it cannot be read.
    """
    if source == media.STDIN:
        yield media.stdin("file")
        return
    from senseid_engine.media import open_media

    with open_media(Path(source), "file") as file:
        yield file


@contextmanager
def kept(reader: Reader) -> Iterator[BinaryIO]:
    """Copy the ciphertext to memory or to a file without a name, so that nobody else can change it.

    Raises:
        MediaError: it cannot be read.
        OutputError: there is no room for a copy.
    """
    with tempfile.SpooledTemporaryFile(max_size=_SPOOLED) as copy:
        room = memoryview(bytearray(_PIECE))
        try:
            while count := reader.readinto(room):
                copy.write(room[:count])
            copy.seek(0)
        except OSError as error:
            raise OutputError(
                f"the input cannot be kept until it is checked: {reason_of(error)}",
                remedy="point TMPDIR at a folder with enough space, or name a file with --out",
            ) from error
        yield cast("BinaryIO", copy)


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def check_apart(file: BinaryIO, name: str) -> None:
    """Refuse `encrypt photo --out - >> photo`, which would read its own output for ever.

    Raises:
        RefusedError: standard output goes to the file that is read.
    """
    output = streams.facts_of(sys.stdout)
    if output is None or not stat.S_ISREG(output.st_mode):
        return
    if os.path.samestat(output, os.fstat(file.fileno())):
        raise RefusedError(
            f"{name} is the file that standard output goes to", remedy="write to another file, then replace this one"
        )


def put_stdout(pieces: Iterable[bytes | memoryview]) -> None:
    """Write to standard output, until all is written or its reader closes it.

    Raises:
        RefusedError: it is a terminal, and the bytes are not a short text.
        OutputError: it is closed or cannot be written.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed", remedy="name a file with --out")
    if on_terminal():
        pieces = [_text_for_terminal(pieces)]
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
            if streams.reader_left(sys.stdout):
                break  # the input may be endless
        sys.stdout.flush()
    except OSError as error:
        raise streams.unwritable(error) from error


def _text_for_terminal(pieces: Iterable[bytes | memoryview]) -> bytes:
    text = b""
    for piece in pieces:
        text += piece
        if len(text) > _MOST_ON_TERMINAL:
            raise refuse_terminal()
    try:
        shown = text.decode()
    except UnicodeDecodeError:
        raise refuse_terminal() from None
    # Control codes of an untrusted file could change what the terminal shows.
    if not all(char.isprintable() or char in "\n\t" for char in shown):
        raise refuse_terminal()
    return text


def refuse_terminal() -> RefusedError:
    """The error for binary data on a terminal."""
    return RefusedError(
        "binary data are not written to a terminal", remedy="name a file with --out, or pipe it into a program"
    )
