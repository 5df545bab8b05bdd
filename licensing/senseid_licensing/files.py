"""Bounded reads and atomic writes of files."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_licensing.document import MAX_BYTES
from senseid_licensing.errors import LicenceMissingError, StorageError, UnreadableError

if TYPE_CHECKING:
    from typing import BinaryIO

PUBLIC = 0o644
SECRET = 0o600


# Opening a pipe without a writer would otherwise wait for ever. Windows has neither the flag nor such pipes.
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read from it, without waiting for a writer, as on a named pipe.

    Raises `OSError` if it cannot be opened, or is a pipe, a socket, a device or a folder.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE))  # noqa: SIM115  the caller closes it
    # After opening, on the descriptor, so that the file cannot be replaced in between.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    return file


def read_file(path: Path, what: str, most: int = MAX_BYTES, *, pipe: bool = False) -> bytes:
    """Read a small file, at most one byte more than the allowed maximum.

    Args:
        path: its path.
        what: its name in messages.
        most: the allowed maximum of bytes; the caller refuses longer ones.
        pipe: whether it may be a pipe, as the `<(...)` of a shell is; its writer is waited for.

    Raises:
        LicenceMissingError: it does not exist.
        UnreadableError: it cannot be read, or is not a file.
    """
    try:
        with path.open("rb") if pipe else open_regular(path) as file:
            return file.read(most + 1)
    except FileNotFoundError:
        raise LicenceMissingError(f"there is no such {what}", remedy="check the path").at(str(path)) from None
    except OSError as error:
        raise UnreadableError(
            f"the {what} cannot be read: {error.strerror or error}", remedy="check the path and its permissions"
        ).at(str(path)) from None


def is_there(path: Path) -> bool:
    """Whether a path exists; one that this process may not access counts as missing."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def write_file(path: Path, data: bytes, mode: int = PUBLIC, *, overwrite: bool = True) -> bool:
    """Write a file atomically, and return whether it was written: without `overwrite` not where a file is.

    A secret is never readable by others, not even for the moment before a chmod. An existing path that is not a
    regular file is refused: root could rename onto /dev/null. Raises `StorageError`.
    """
    if is_there(path) and not path.is_file():
        raise _not_written(path, "there is something that is no file", "move it away, or choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            if overwrite:
                Path(name).replace(path)
                return True
            return _link(Path(name), path)
        finally:
            with suppress(OSError):
                Path(name).unlink()
    except FileExistsError:  # of the folder
        raise _not_written(path, f"{path.parent} is no folder", "choose another place") from None
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from None


def _link(draft: Path, path: Path) -> bool:
    """Give the draft a name that no file has, and return whether that was so. A rename would replace the file."""
    try:
        os.link(draft, path)
    except OSError:
        if is_there(path):
            return False
        draft.replace(path)  # a file system without links
    return True


def append_line(path: Path, line: bytes) -> None:
    """Add one line to a log that only its owner reads. Raises `StorageError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _AT_ONCE, SECRET)
        with os.fdopen(handle, "ab") as file:
            file.write(line + b"\n")
    except OSError as error:
        raise _not_written(path, error.strerror or str(error)) from None


_REMEDY = "check its folder's permissions, or choose another folder (for senseid's own data: SENSEID_HOME)"


def _not_written(path: Path, why: str, remedy: str = _REMEDY) -> StorageError:
    return StorageError(f"cannot be written: {why}", remedy=remedy).at(str(path))
