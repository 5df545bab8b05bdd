"""Non-blocking opening and reading of media files, with one-line errors."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from senseid_engine.errors import MediaNotFoundError, MediaUnreadableError
from senseid_models.open_file import NotRegularError, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

PHOTO_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)
"""Suffixes of the photos in a folder, in lower case."""

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".rm", ".webm", ".wmv"}
)
"""Suffixes of the videos in a folder, in lower case."""


def open_media(path: Path, what: str, *, piped: bool = True) -> BinaryIO:
    """Open a file to read from it. Never blocks: only regular files are opened.

    Args:
        path: the path of the file.
        what: the kind of media that is wanted, such as ``photo``, for messages.
        piped: whether the caller would also take it from standard input.

    Raises:
        MediaNotFoundError: There is no such file.
        MediaUnreadableError: A directory, a pipe, a socket or a device; no permission; a name the system refuses.
    """
    with reading(str(path), what):
        try:
            return open_regular(path)
        except NotRegularError:
            or_pipe = f", or pipe the {what} in as '-'" if piped else ""
            raise MediaUnreadableError(str(path), f"is not a regular file: name a file{or_pipe}") from None


@contextmanager
def reading(name: str, what: str) -> Iterator[None]:
    """Turn a system error about a file into an error of the engine.

    Args:
        name: the name of the file in messages.
        what: the kind of media that is wanted.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MediaNotFoundError(name, "no such file: check the path") from error
    except IsADirectoryError as error:
        raise MediaUnreadableError(name, f"is a directory: name a {what} in it") from error
    except PermissionError as error:
        raise MediaUnreadableError(name, "permission denied: make the file readable") from error
    except OSError as error:
        reason = os.strerror(error.errno if error.errno is not None else errno.EIO).lower()
        raise MediaUnreadableError(name, f"cannot be read ({reason})") from error
    except ValueError as error:
        raise MediaUnreadableError(name, "is not a usable path: check the name") from error
