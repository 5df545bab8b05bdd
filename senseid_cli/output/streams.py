"""Standard streams that outlive their readers and take any character."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from senseid.errors import OutputError

if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import ReadableBuffer


class _Outlet(io.FileIO):
    """A file descriptor whose reader may leave early.

    `senseid omni a b | head -1` closes the pipe in the middle. The answer is worked out all the same, so the exit
    status stays that of the answer: scripts with `pipefail` depend on it.
    """

    _gone = False

    @property
    def reader_left(self) -> bool:
        return self._gone

    def write(self, data: ReadableBuffer, /) -> int:
        if not self._gone:
            try:
                return super().write(data)
            except BrokenPipeError:
                self._gone = True
            except OSError as error:
                # What is still buffered would fail again when the interpreter ends.
                self._gone = True
                raise OutputError(
                    f"standard output cannot be written: {os.strerror(error.errno or 0).lower()}",
                    remedy="check the file or disk that it goes to",
                ) from error
        return memoryview(data).nbytes


class _Aside(io.FileIO):
    """A file descriptor for what is said beside the answer: where it cannot be said, nothing else changes.

    Neither a reader that left, nor a full disk, nor a terminal that is gone may take the place of the answer, or end
    the work that is left.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        written: int | None = None
        with suppress(OSError):
            written = super().write(data)
        return memoryview(data).nbytes if written is None else written


def reader_left(stream: TextIO) -> bool:
    """Whether the reader of a stream that `tolerant` made has been found to have left."""
    outlet = getattr(getattr(stream, "buffer", None), "raw", None)
    return isinstance(outlet, _Outlet) and outlet.reader_left


def tolerant(stream: TextIO) -> TextIO:
    """The same stream, but a reader that leaves is no error, and a character it cannot show is escaped.

    A terminal, which no reader leaves, keeps its stream.
    """
    if stream.isatty():
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        return stream
    outlet = _Outlet(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(outlet), encoding=stream.encoding, errors="backslashreplace")


def aside(stream: TextIO | None) -> TextIO:
    """Standard error as it was, but that it cannot be written, or is closed, is no error."""
    if stream is None:  # closed: `fill_gaps` has put something there
        return io.TextIOWrapper(io.BufferedWriter(_Aside(2, "wb", closefd=False)), encoding="ascii", errors="replace")
    outlet = _Aside(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(outlet), encoding=stream.encoding, errors="backslashreplace", line_buffering=True
    )


def fill_gaps() -> None:
    """Put `/dev/null` where a standard stream is closed.

    The next file that is opened would get its number, and what a library in C says on stderr would go into that file.
    """
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
