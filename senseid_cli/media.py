"""Media from the command line: a file, or `-` for standard input; plain, or encrypted in either format."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid.media import read_file, read_stream
from senseid_cli.key_sources import key_sources
from senseid_engine.photo_options import MOST_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from senseid_engine.image import Image
    from senseid_engine.video import Video

STDIN = "-"


def check_sources(*sources: str) -> None:
    """Refuse sources that can never be read: standard input twice."""
    if sources.count(STDIN) > 1:
        raise typer.BadParameter("two files cannot both be '-': standard input holds one")


def check_references(references: Sequence[str]) -> None:
    """Refuse more photos of one person than are taken."""
    if len(references) > MOST_REFERENCES:
        raise typer.BadParameter(
            f"{len(references)} photos of one person are too many: at most {MOST_REFERENCES}", param_hint="--reference"
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


def read_photo(source: str) -> Image:
    """Read and decode a photo, which may be encrypted.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or does not decode.
        CryptoError: it cannot be decrypted.
    """
    return open_photo(source)[0]


def open_photo(source: str) -> tuple[Image, bool]:
    """Read a photo likewise, and tell whether it was encrypted: then its faces are shown nowhere unasked."""
    from senseid_engine import image

    data, encrypted = _open(source, image.MAX_BYTES, "photo")
    return image.decode_image(data, name=name_of(source)), encrypted


def read_video(source: str) -> Video:
    """Read a video, which may be encrypted, and its header.

    Args:
        source: a path, or `-`.

    Raises:
        MediaError: it cannot be read, is too long, has a wrong size or is not a video.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine import video

    return video.decode_video(read_bytes(source, most=video.MAX_BYTES, what="video"), name=name_of(source))


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
    decode = image.decode_image if image.is_photo(data) else video.decode_video
    return decode(data, name=name_of(source))


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
