"""Media from the command line: a file, or `-` for standard input; plain, or encrypted in either format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid_cli import wiring

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import BinaryIO

    from senseid_crypto.key import Key
    from senseid_engine.image import Image
    from senseid_engine.video import Video

STDIN = "-"

_DEVICES = frozenset({Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")})

# Enough to tell by whether it looks encrypted.
_START = 4096


def check_sources(first: str, second: str) -> None:
    """Refuse what cannot be read whatever it holds: standard input twice."""
    if first == second == STDIN:
        raise typer.BadParameter("A and B cannot both be '-': standard input holds one photo")


def read_photo(source: str) -> Image:
    """Read and decode a photo, which may be encrypted.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or does not decode.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine import image

    data = read_bytes(source, most=image.MAX_BYTES, what="photo")
    return image.decode_image(data, name=name_of(source))


def read_video(source: str) -> Video:
    """Read a video, which may be encrypted, and its header.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or is no video.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine import video

    return video.decode_video(read_bytes(source, most=video.MAX_BYTES, what="video"), name=name_of(source))


def read_bytes(source: str, *, most: int, what: str, keys: Iterable[Key] | None = None) -> bytes:
    """Read all of a file or of standard input, and decrypt what is encrypted, in memory only.

    What is encrypted is told by how it starts. What is damaged further on is still no photo, but does not decrypt.

    Args:
        source: a path, or `-`.
        most: the most bytes that it may hold, after decryption. Not much more than that is read.
        what: what it holds, such as `photo`, for messages.
        keys: to decrypt with; those of this installation by default, which are looked for only if they are needed.

    Raises:
        MediaError: it cannot be read.
        ContentLengthError: it holds more than `most` bytes.
        CryptoError: it cannot be decrypted.
    """
    from senseid_crypto.recognise import looks_encrypted
    from senseid_engine.errors import ContentLengthError

    name = name_of(source)
    if source == STDIN:
        data = _read(stdin(what), most, name, what)
    else:
        from senseid_engine.media import open_media

        with open_media(Path(source), what) as file:
            data = _read(file, most, name, what)
    too_long = f"is over {most:,} bytes ({most >> 20} MB): give a smaller {what}"
    if looks_encrypted(data):
        from senseid_crypto.errors import CryptoError, TooLongError
        from senseid_crypto.sealed import decrypt_bytes

        try:
            return decrypt_bytes(data, wiring.key_sources() if keys is None else keys, most=most)
        except TooLongError:
            raise ContentLengthError(name, too_long) from None
        except CryptoError as error:
            raise error.at(name) from None
    if len(data) > most:
        raise ContentLengthError(name, too_long)
    return data


def name_of(source: str) -> str:
    """What messages call a source."""
    return "stdin" if source == STDIN else source


def _read(file: BinaryIO, most: int, name: str, what: str) -> bytes:
    """Everything, or so much that it is certain to be too long. Only what looks encrypted may be longer than `most`."""
    from senseid_crypto.recognise import format_of
    from senseid_crypto.sealed import longest_encrypted
    from senseid_engine.media import reading

    with reading(name, what):
        start = file.read(_START)
        limit = most if format_of(start) is None else longest_encrypted(most)
        return start + file.read(max(0, limit + 1 - len(start)))


def stdin(what: str) -> BinaryIO:
    """Standard input, for bytes.

    Args:
        what: it should hold, for messages.

    Raises:
        MediaUnreadableError: it is closed, or a terminal.
    """
    from senseid_engine.errors import MediaUnreadableError

    if sys.stdin is None or sys.stdin.isatty():
        raise MediaUnreadableError("stdin", f"holds no {what}: pipe one in, as in `senseid ... - < FILE`")
    return sys.stdin.buffer


def check_output(
    path: Path, *, sources: tuple[str, ...], force: bool, suffix: str = ".png", option: str = "--draw"
) -> None:
    """Refuse a result's path before the work is done, not after it.

    Args:
        path: where the result goes.
        sources: what is read, which is never overwritten.
        force: whether another file may be.
        suffix: how its name must end; what is written has that type.
        option: that named it.

    Raises:
        BadParameter: it has another suffix, is a source, no file, in no folder, or there already.
    """
    if problem := _output_problem(path, sources, suffix, force=force):
        raise typer.BadParameter(f"{path} {problem}", param_hint=option)


def check_word(word: str, *, name: str) -> None:
    """Refuse an empty word: a variable of a script that was not set. As a path it would be the current folder.

    Args:
        word: as it was given.
        name: of the argument or the option.

    Raises:
        BadParameter: it is empty.
    """
    if not word:
        raise typer.BadParameter("an empty word names no file: check the variable that it came from", param_hint=name)


def check_here() -> None:
    """Refuse to work in a folder that was deleted: no relative path means anything there.

    Raises:
        RefusedError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        from senseid_cli.exits import RefusedError

        raise RefusedError("the current folder was deleted", remedy="change to one that exists") from None


def check_apart(outputs: Mapping[str, Path | None]) -> None:
    """Refuse two results in one file.

    Args:
        outputs: the path of each option that was given.

    Raises:
        BadParameter: two are the same.
    """
    seen: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is not None and (first := seen.setdefault(path.absolute(), option)) != option:
            raise typer.BadParameter(f"{path} is also that of {first}", param_hint=option)


def _output_problem(path: Path, sources: tuple[str, ...], suffix: str, *, force: bool) -> str | None:
    if path.suffix.lower() != suffix:
        return f"does not end in {suffix}, and {suffix[1:].upper()} is what is written"
    try:
        if path.is_dir():
            return "is a folder"
        if not path.parent.is_dir():
            return "is in a folder that does not exist"
        if path.exists():
            if any(source != STDIN and is_same_file(path, Path(source)) for source in sources):
                return "is one of the inputs"
            if is_device(path):
                return "is no regular file"
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
    from senseid_cli.output_file import new_file

    with new_file(path, overwrite=True) as file:
        file.write(data)


def is_device(path: Path) -> bool:
    """Whether something else than a regular file has this name, such as a pipe or a device.

    A result takes the name of what is there, and would not go into it: `/dev/null` would be a file from then on. Names
    of open files, such as `/dev/stdout`, are links to regular files at times.
    """
    return (path.exists() and not path.is_file()) or path.absolute().parent in _DEVICES


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file; not where one of them leads nowhere."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether it is one; not where the system refuses the name. Reading it as a file will say what is wrong with it."""
    try:
        return path.is_dir()
    except OSError:
        return False
