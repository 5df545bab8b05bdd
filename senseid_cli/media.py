"""Media from the command line: a file, or `-` for standard input; plain, or encrypted in either format."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid.media import read_file, read_stream
from senseid_cli.key_sources import key_sources
from senseid_engine.photo_options import MOST_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from senseid_engine.image import Image
    from senseid_engine.video import Video

STDIN = "-"

_ADDRESS = re.compile("[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def check_references(references: Sequence[str]) -> None:
    """Refuse more photos of one person than are taken."""
    if len(references) > MOST_REFERENCES:
        raise typer.BadParameter(
            f"{len(references)} photos of one person are too many: at most {MOST_REFERENCES}", param_hint="--reference"
        )


def named_references(references: Sequence[str]) -> dict[str, str]:
    """The photos of one person by what messages call them, for `check_sources`."""
    return {f"--reference {number}": source for number, source in enumerate(references, 1)}


def check_sources(sources: Mapping[str, str]) -> None:
    """Refuse sources that can never be read, before any work.

    Args:
        sources: what was given for each argument, by the argument's name.

    Raises:
        BadParameter: one is empty, or standard input is there twice.
        MediaError: one is a folder or an address.
    """
    for name, source in sources.items():
        if not source:
            raise typer.BadParameter(
                "the name is empty (''), and a file or '-' is needed: check the variable that it came from",
                param_hint=name,
            )
        _check_source(source)
    piped = [name for name, source in sources.items() if source == STDIN]
    if len(piped) > 1:
        raise typer.BadParameter(
            f"{' and '.join(piped)} cannot both be '-', since standard input holds one file: name the other one"
        )


def _check_source(source: str) -> None:
    from senseid_engine.errors import MediaNotFoundError, MediaUnreadableError

    if _ADDRESS.match(source):
        meant = source.removeprefix("file://")
        instead = f"type {meant}" if os.path.exists(meant) else "save it, and name the file"
        raise MediaNotFoundError(source, f"is an address, and only files are read: {instead}")
    if source.startswith("~") and not os.path.lexists(source):
        meant = os.path.expanduser(source)  # noqa: PTH111  it leaves what it does not know
        if os.path.exists(meant):
            raise MediaNotFoundError(source, f"no such file, since ~ counts only without quotes: type {meant}")
    if os.path.isdir(source):
        raise MediaUnreadableError(
            source, f"is a folder, and one file is read: name a file in it, or for many `senseid batch {source}`"
        )


def name_of(source: str) -> str:
    """The name of a source in messages."""
    return "stdin" if source == STDIN else source


def stdin(what: str) -> BinaryIO:
    """Standard input as a binary stream.

    Args:
        what: the kind of content in messages.

    Raises:
        MediaUnreadableError: it is closed, or a terminal.
    """
    from senseid_engine.errors import MediaUnreadableError

    if sys.stdin is None or sys.stdin.isatty():
        raise MediaUnreadableError("stdin", f"holds no {what}: pipe one in, as in `senseid ... - < FILE`")
    return sys.stdin.buffer


def read_photo(source: str, *, if_video: str = "") -> Image:
    """Read and decode a photo, which may be encrypted.

    Args:
        source: a path, or `-`.
        if_video: what to do instead if it is a video.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or does not decode.
        CryptoError: it cannot be decrypted.
    """
    return open_photo(source, if_video=if_video)[0]


def read_pair(first: str, second: str) -> tuple[Image, Image]:
    """Read two photos likewise, for a comparison."""
    import shlex

    live = [
        f"type `senseid verify {shlex.quote(video)} {shlex.quote(photo)}`"
        for video, photo in ((first, second), (second, first))
    ]
    return read_photo(first, if_video=live[0]), read_photo(second, if_video=live[1])


def open_photo(source: str, *, if_video: str = "") -> tuple[Image, bool]:
    """Read a photo likewise, and tell whether it was encrypted: then its faces are shown nowhere unasked."""
    from senseid_engine import image
    from senseid_engine.errors import ImageTypeError
    from senseid_engine.photo_kinds import is_video

    data, encrypted = _open(source, image.MAX_BYTES, "photo")
    try:
        return image.decode_image(data, name=name_of(source)), encrypted
    except ImageTypeError as error:
        if if_video and is_video(data):
            raise ImageTypeError(error.name, f"is a video, and a photo is needed: {if_video}") from None
        raise


def read_video(source: str, *, if_photo: str = "") -> Video:
    """Read a video, which may be encrypted, and its header.

    Args:
        source: a path, or `-`.
        if_photo: what to do instead if it is a photo.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or is not a video.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine import video

    return decode_video(read_bytes(source, most=video.MAX_BYTES, what="video"), name_of(source), if_photo=if_photo)


def decode_video(data: bytes, name: str, *, if_photo: str = "") -> Video:
    """Read the header of a video likewise."""
    from senseid_engine import video
    from senseid_engine.errors import VideoError
    from senseid_engine.image import is_photo
    from senseid_engine.liveness.capture import is_capture

    try:
        return video.decode_video(data, name=name)
    except VideoError:
        if is_capture(data):
            raise VideoError(
                name, "holds liveness data, and a video is needed: `senseid verify` takes it, with a photo"
            ) from None
        if if_photo and is_photo(data):
            raise VideoError(name, f"is a photo, and a video of 2 s or more is needed: {if_photo}") from None
        raise


def read_video_or_photo(source: str) -> Video | Image:
    """Read a video and its header, or read and decode a photo: its first bytes tell. Either may be encrypted.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or does not decode.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine import image, video

    data = read_bytes(source, most=video.MAX_BYTES, what="video")
    return (
        image.decode_image(data, name=name_of(source)) if image.is_photo(data) else decode_video(data, name_of(source))
    )


def read_bytes(source: str, *, most: int, what: str) -> bytes:
    """Read all of a file or of standard input, and decrypt it with a key of this installation if encrypted.

    Args:
        source: a path, or `-`.
        most: the maximum of bytes after decryption. Not much more than that is read.
        what: the kind of content in messages, such as `photo`.

    Raises:
        MediaError: it cannot be read.
        ContentLengthError: it holds more than `most` bytes.
        CryptoError: it cannot be decrypted.
    """
    return _open(source, most, what)[0]


def _open(source: str, most: int, what: str) -> tuple[bytes, bool]:
    if source == STDIN:
        return read_stream(stdin(what), name=name_of(source), most=most, what=what, keys=key_sources)
    return read_file(Path(source), most=most, what=what, keys=key_sources)
