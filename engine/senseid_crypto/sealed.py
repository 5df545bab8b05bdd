"""Encrypted bytes in memory, for media and small records. No plaintext touches a disk."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from senseid_crypto import container, wire
from senseid_crypto.errors import NotEncryptedError, TooLongError
from senseid_crypto.format import Format
from senseid_crypto.recognise import format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from senseid_crypto.key import Key


def longest_encrypted(plain: int) -> int:
    """The most bytes that so many bytes become in either format, some blanks around Base64 included."""
    return max(container.encrypted_length(plain), wire.encrypted_length(plain)) + 1024


def seal_bytes(data: bytes, key: Key, *, entropy: Callable[[int], bytes]) -> bytes:
    """Encrypt bytes into a container.

    Args:
        data: the plaintext.
        key: the key, whose id goes into the container.
        entropy: returns that many random bytes.
    """
    return b"".join(bytes(piece) for piece in container.encrypt(io.BytesIO(data), key, entropy=entropy))


def open_bytes(data: bytes, keys: Iterable[Key]) -> bytes:
    """Decrypt the bytes of a container.

    Raises:
        DecryptionError: it is not a container, its key is not among these, or it does not authenticate.
    """
    return b"".join(bytes(piece) for piece in container.decrypt(io.BytesIO(data), keys))


def decrypt_bytes(data: bytes, keys: Iterable[Key], *, most: int) -> bytes:
    """Decrypt the bytes of a container or a wire text, recognised by their content.

    Args:
        data: all of it.
        keys: a container names its own; a wire text is tried with each that has an IV.
        most: the most bytes that the caller takes.

    Raises:
        TooLongError: it holds more than `most` bytes, by its length, before it is decrypted.
        DecryptionError: it is neither, its key is not among these, or it does not authenticate.
    """
    # A caller that stops reading once it is too long passes truncated data: the length is the error to report.
    if len(data) > longest_encrypted(most):
        raise _too_long(most)
    kind = format_of(data)
    if kind is Format.CONTAINER:
        plain = container.plain_length(len(data)) or 0
    elif kind is Format.WIRE:
        plain = len(data.strip(wire.BLANKS).rstrip(b"=")) * 3 // 4 - wire.TAG
    else:
        raise NotEncryptedError(
            "is neither a senseid container nor Base64 without line breaks",
            remedy="check that it is the right file",
        )
    if plain > most:
        raise _too_long(most)
    return open_bytes(data, keys) if kind is Format.CONTAINER else wire.decrypt_bytes(data, keys)


def _too_long(most: int) -> TooLongError:
    return TooLongError(f"decrypts to more than {most:,} bytes", remedy="encrypt a smaller file")
