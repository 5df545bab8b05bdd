"""Output files that get their name only when complete, so that no partial file is ever visible.

If the system supports it (Linux, most file systems), the file has no name while it is written: a process that is
killed leaves nothing behind, not even part of a plaintext. Elsewhere it is `.senseid-*` in the same folder, readable
by its owner only, and is removed on any error.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from senseid.errors import OutputError, RefusedError
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

DRAFT_PREFIX = ".senseid-"
"""Name prefix of an incomplete file, if the system requires a name."""

_DESCRIPTORS = Path("/proc/self/fd")
_PERMISSIONS = 0o777


@contextmanager
def new_file(
    path: Path, *, overwrite: bool, like: os.stat_result | None = None, private: bool = False
) -> Iterator[BinaryIO]:
    """A file to write and to read back, which is at `path` when the block ends without an error, and not before.

    Args:
        path: where it will be, in a folder that exists.
        overwrite: whether it may take the place of another file. Without it, not even a file that comes up while this
            one is written is lost.
        like: of the file whose permissions and times it gets; by default it is as public as the umask says.
        private: whether it is for its owner alone, whatever the umask says: it shows faces.

    Raises:
        OutputError: it cannot be written; an existing file of that name is untouched.
        RefusedError: likewise, since it may not take the place of that file.
    """
    try:
        with _draft(path.parent) as (file, draft):
            yield file
            file.flush()
            if not private:  # as a draft is
                _dress(file.fileno(), like)
            _place(draft, path, overwrite=overwrite)
    except FileExistsError:
        if overwrite:  # the intermediate name was taken
            raise OutputError(
                f"{path} cannot be written: another process is writing it", remedy="try again when that has ended"
            ) from None
        raise RefusedError(
            f"{path} cannot be written: there is a file of that name", remedy="--force overwrites it"
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {reason_of(error)}",
            remedy="check the folder's permissions and the space on its disk",
        ) from error


def sync(file: BinaryIO) -> None:
    """Flush a file to its disk, and drop it from the page cache so that the next read comes from the disk."""
    file.flush()
    os.fsync(file.fileno())
    if sys.platform == "linux":
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _draft(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open the file; yields it and a path to link from."""
    handle = _unnamed(folder)
    if handle is not None:
        with os.fdopen(handle, "w+b") as file:
            yield cast("BinaryIO", file), _DESCRIPTORS / str(handle)
        return
    handle, name = tempfile.mkstemp(prefix=DRAFT_PREFIX, dir=folder)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield cast("BinaryIO", file), Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _unnamed(folder: Path) -> int | None:
    flag: Any = getattr(os, "O_TMPFILE", None)
    if flag is None or not _DESCRIPTORS.is_dir():
        return None
    try:
        return os.open(folder, flag | os.O_RDWR, 0o600)
    except OSError:
        # Not every file system supports it. Any other error occurs again for the named file.
        return None


def _dress(handle: int, like: os.stat_result | None) -> None:
    if sys.platform == "win32":  # neither works on an open file there, and modes mean nothing
        return
    if like is None:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(handle, 0o666 & ~mask)
    else:
        os.fchmod(handle, stat.S_IMODE(like.st_mode) & _PERMISSIONS)
        os.utime(handle, ns=(like.st_atime_ns, like.st_mtime_ns))


def _place(draft: Path, path: Path, *, overwrite: bool) -> None:
    """Give the draft its name in one step."""
    if not overwrite:
        _link(draft, path)
        return
    # A link does not replace a file, and a file without a name cannot be renamed. The intermediate name is always the
    # same for a path: a leftover of a process that is killed between these lines is removed by the next one.
    whole = path.with_name(DRAFT_PREFIX + hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16])
    whole.unlink(missing_ok=True)
    _link(draft, whole)
    try:
        whole.replace(path)
    except BaseException:
        whole.unlink(missing_ok=True)
        raise


def _link(draft: Path, path: Path) -> None:
    # A descriptor of the folder makes Python call linkat, which alone follows the link that /proc shows.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.link(draft, path.name, dst_dir_fd=folder, follow_symlinks=True)
    except OSError:
        if draft.parent == _DESCRIPTORS or path.exists():
            raise
        draft.replace(path)  # a file system without links
    finally:
        os.close(folder)
