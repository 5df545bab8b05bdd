"""Photos and videos: read, and decrypted in memory where they are encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key import Key

    Keys = Callable[[], Iterable[Key]]

_START = 4096
"""Bytes by which it is told whether a file is encrypted."""


def read_file(path: Path, *, most: int, what: str, keys: Keys) -> tuple[bytes, bool]:
    """Read a file whole: see `read_stream`.

    Raises:
        MediaError: it cannot be read.
        ContentLengthError: it holds more than `most` bytes.
        CryptoError: it cannot be decrypted.
    """
    from senseid_engine.media import open_media

    with open_media(path, what) as file:
        return read_stream(file, name=str(path), most=most, what=what, keys=keys)


def read_stream(file: BinaryIO, *, name: str, most: int, what: str, keys: Keys) -> tuple[bytes, bool]:
    """Read all of an open file, and decrypt what is encrypted, in memory only.

    Args:
        file: open for reading bytes.
        name: of it, for messages.
        most: the most bytes that it may hold, after decryption. Not much more than that is read.
        what: what it holds, such as `photo`, for messages.
        keys: gives the keys to decrypt with; called only if they are needed.

    Returns:
        What it holds, and whether it was encrypted.

    Raises:
        MediaError: it cannot be read.
        ContentLengthError: it holds more than `most` bytes.
        CryptoError: it cannot be decrypted.
    """
    from senseid_crypto.recognise import format_of
    from senseid_crypto.sealed import longest_encrypted
    from senseid_engine.media import reading

    with reading(name, what):
        start = file.read(_START)
        # Only what looks encrypted may be longer than `most`: so much is read that it is certain to be too long.
        limit = most if format_of(start) is None else longest_encrypted(most)
        data = start + file.read(max(0, limit + 1 - len(start)))
    return decrypted(data, name=name, most=most, what=what, keys=keys)


def decrypted(data: bytes, *, name: str, most: int, what: str, keys: Keys) -> tuple[bytes, bool]:
    """The same bytes, decrypted if they are encrypted in either format, and whether they were.

    That is told by how they start: what is damaged further on is still no photo, but does not decrypt.

    Raises:
        ContentLengthError: there are more than `most` bytes.
        CryptoError: they cannot be decrypted.
    """
    from senseid_crypto.recognise import looks_encrypted
    from senseid_engine.errors import ContentLengthError

    too_long = f"is over {most:,} bytes ({most >> 20} MB): give a smaller {what}"
    if looks_encrypted(data):
        from senseid_crypto.errors import CryptoError, TooLongError
        from senseid_crypto.sealed import decrypt_bytes

        try:
            return decrypt_bytes(data, keys(), most=most), True
        except TooLongError:
            raise ContentLengthError(name, too_long) from None
        except CryptoError as error:
            raise error.at(name) from None
    if len(data) > most:
        raise ContentLengthError(name, too_long)
    return data, False
