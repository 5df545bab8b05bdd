"""Photos and videos: read, and decrypted in memory if encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key import Key

    Keys = Callable[[], Iterable[Key]]

_START = 4096
"""Number of leading bytes that show whether a file is encrypted."""


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
        name: its name in messages.
        most: the maximum of bytes after decryption. Not much more than that is read.
        what: the kind of content in messages, such as `photo`.
        keys: returns the keys to decrypt with; called only if they are needed.

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
        # Only what looks encrypted may be longer than `most`: read enough to be certain that it is too long.
        limit = most if format_of(start) is None else longest_encrypted(most)
        data = start + file.read(max(0, limit + 1 - len(start)))
    return decrypted(data, name=name, most=most, what=what, keys=keys)


def decrypted(data: bytes, *, name: str, most: int, what: str, keys: Keys) -> tuple[bytes, bool]:
    """The same bytes, decrypted if they are encrypted in either format, and whether they were.

    The first bytes decide: encrypted data that are damaged further on raise an error and are not taken for a photo.

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
