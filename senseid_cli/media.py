"""Photos from the command line: a file, or `-` for standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from senseid_engine.image import Image

STDIN = "-"


def check_sources(first: str, second: str) -> None:
    """Refuse what cannot be read whatever it holds: standard input twice."""
    if first == second == STDIN:
        raise typer.BadParameter("A and B cannot both be '-': standard input holds one photo")


def read_photo(source: str) -> Image:
    """Read and decode a photo.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or does not decode.
    """
    from senseid_engine import image

    if source == STDIN:
        return image.decode_image(_read_stdin(image.MAX_BYTES + 1), name="stdin")
    return image.decode_image(image.read_photo(Path(source)), name=source)


def _read_stdin(most: int) -> bytes:
    from senseid_engine.errors import MediaUnreadableError

    if sys.stdin is None or sys.stdin.isatty():
        raise MediaUnreadableError("stdin", "holds no photo: pipe one in, as in `senseid compare - B < A`")
    try:
        return sys.stdin.buffer.read(most)
    except OSError as error:
        raise MediaUnreadableError("stdin", f"cannot be read ({error.strerror})") from error


def check_output(path: Path, *, sources: tuple[str, ...], force: bool) -> None:
    """Refuse a picture's path before the work is done, not after it.

    Raises:
        BadParameter: not a PNG's name, a source, in no folder, or there already.
    """
    if problem := _output_problem(path, sources, force=force):
        raise typer.BadParameter(f"{path} {problem}", param_hint="--draw")


def _output_problem(path: Path, sources: tuple[str, ...], *, force: bool) -> str | None:
    if path.suffix.lower() != ".png":
        return "does not end in .png, and PNG is what is written"
    try:
        if path.is_dir():
            return "is a folder"
        if not path.parent.is_dir():
            return "is in a folder that does not exist"
        if path.exists():
            if any(source != STDIN and _same_file(path, Path(source)) for source in sources):
                return "is one of the photos"
            if not force:
                return "is there already; --force overwrites it"
    except OSError as error:
        return f"cannot be used ({(error.strerror or 'unknown reason').lower()})"
    return None


def write_output(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: it cannot be written; an old file of that name is untouched.
    """
    import os
    import tempfile

    try:
        handle, temporary = tempfile.mkstemp(prefix=".senseid-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            # mkstemp keeps others out; a picture is as public as the umask says.
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        from senseid_cli.exits import OutputError

        raise OutputError(
            f"{path} cannot be written: {(error.strerror or 'unknown reason').lower()}",
            remedy="check the folder's permissions and the space on its disk",
        ) from error


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
