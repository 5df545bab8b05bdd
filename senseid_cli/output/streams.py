"""Standard streams that survive the end of their readers and accept any character."""

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
    """A file descriptor whose reader may close it early.

    `senseid omni a b | head -1` closes the pipe in the middle. The result is computed anyway, so the exit status
    stays that of the result: scripts with `pipefail` depend on it.
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
                # The rest of the buffer would fail again when the interpreter exits.
                self._gone = True
                raise unwritable(error) from error
        return memoryview(data).nbytes


class _Aside(io.FileIO):
    """A file descriptor for messages beside the result, which ignores write errors.

    Neither a closed pipe, nor a full disk, nor a closed terminal may replace the result, or end the remaining
    work.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        written: int | None = None
        with suppress(OSError):
            written = super().write(data)
        return memoryview(data).nbytes if written is None else written


def unwritable(error: OSError) -> OutputError:
    """The error of the command where standard output cannot be written."""
    return OutputError(
        f"standard output cannot be written: {os.strerror(error.errno or 0).lower()}",
        remedy="check the file or disk that it goes to",
    )


def reader_left(stream: TextIO) -> bool:
    """Whether a write found that the reader of a stream made by `tolerant` has closed it."""
    outlet = getattr(getattr(stream, "buffer", None), "raw", None)
    return isinstance(outlet, _Outlet) and outlet.reader_left


def tolerant(stream: TextIO) -> TextIO:
    """Wrap a stream so that a reader that closes it is not an error, and unencodable characters are escaped.

    A terminal, which has no such reader, keeps its stream.
    """
    if stream.isatty():
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        return stream
    outlet = _Outlet(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(outlet), encoding=stream.encoding, errors="backslashreplace")


def aside(stream: TextIO | None) -> TextIO:
    """Wrap standard error so that it is not an error if it cannot be written or is closed."""
    if stream is None:  # closed: `fill_gaps` has opened something there
        return io.TextIOWrapper(io.BufferedWriter(_Aside(2, "wb", closefd=False)), encoding="ascii", errors="replace")
    outlet = _Aside(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(outlet), encoding=stream.encoding, errors="backslashreplace", line_buffering=True
    )


def fill_gaps() -> None:
    """Open `/dev/null` in place of each closed standard stream.

    The next opened file would get its number, and messages of C libraries on stderr would go into that file.
    """
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def facts_of(stream: TextIO | None) -> os.stat_result | None:
    """The status of the file behind a standard stream; None if there is none."""
    try:
        return None if stream is None else os.fstat(stream.fileno())
    except OSError:
        return None
