"""The container for files at rest: an authenticated header that names the key, then a STREAM of chunks.

Layout, sizes and derivations: docs/formats/container.md. Each container has a key of its own, made by HKDF-SHA-256 from
the user's key and 32 random bytes, so that no two containers share a key, let alone a nonce.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_crypto import chunks
from senseid_crypto.errors import DamagedError, MissingKeyError, NotEncryptedError, VersionError
from senseid_crypto.key import ID_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from senseid_crypto.chunks import Source
    from senseid_crypto.key import Key

# As in PNG: a byte that is not ASCII, and line ends that a transfer as text would change.
MAGIC: Final = b"\x89senseid\r\n\x1a\n"
"""Magic bytes at the start of each container, 12 bytes."""

VERSION: Final = 1

_SALT: Final = 32
_MAC: Final = 32
_MAC_AT: Final = len(MAGIC) + 1 + ID_LENGTH + _SALT
HEADER: Final = _MAC_AT + _MAC
"""Bytes of the header, 85."""

_HEADER_LABEL: Final = b"senseid container v1 header"
_PAYLOAD_LABEL: Final = b"senseid container v1 payload"


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a container, not yet authenticated.

    Attributes:
        key_id: the id of the key that it names, 8 bytes.
        raw: all of its bytes.
    """

    key_id: bytes
    raw: bytes


def encrypted_length(plain: int) -> int:
    """The length of the container of so many bytes."""
    return HEADER + chunks.encrypted_length(plain)


def plain_length(container: int) -> int | None:
    """How many bytes are in a container of this length; None if no container has it."""
    return chunks.plain_length(container - HEADER) if container > HEADER else None


def read_header(source: Source) -> Header:
    """Read the header from the start of a source and leave the source behind it.

    Raises:
        NotEncryptedError: it is not a container.
        VersionError: it was made by a later release.
        DamagedError: it is cut off.
    """
    raw = bytearray(HEADER)
    length = chunks.read_fully(source, memoryview(raw))
    if not raw.startswith(MAGIC):
        raise NotEncryptedError("is no senseid container", remedy="check that it is the right file")
    if length <= len(MAGIC):
        raise chunks.damaged()
    if raw[len(MAGIC)] != VERSION:
        raise VersionError(
            f"is a container of version {raw[len(MAGIC)]}, this release reads version {VERSION}",
            remedy="decrypt it with a later release of senseid",
        )
    if length < HEADER:
        raise chunks.damaged()
    start = len(MAGIC) + 1
    return Header(key_id=bytes(raw[start : start + ID_LENGTH]), raw=bytes(raw))


def encrypt(source: Source, key: Key, *, entropy: Callable[[int], bytes], threads: int = 1) -> Iterator[memoryview]:
    """Encrypt everything that a source holds into a container.

    Args:
        source: the plaintext, of any length.
        key: the key, whose id goes into the container.
        entropy: returns that many random bytes.
        threads: how many may encrypt at once.

    Yields:
        The container in pieces. Each is valid until the next is asked for.
    """
    start = MAGIC + bytes([VERSION]) + key.raw_id + entropy(_SALT)
    header_key, payload_key = _derive(key, start)
    yield memoryview(start + _authenticate(header_key, start))
    yield from chunks.encrypt_chunks(payload_key, source, threads=threads)


def decrypt(source: Source, keys: Iterable[Key], *, threads: int = 1) -> Iterator[memoryview]:
    """Decrypt a container.

    Each yielded piece is authentic; only an end without an error shows that nothing is missing. The header is checked
    before anything is yielded.

    Args:
        source: the container.
        keys: searched for the one that it names, in this order and no further than needed.
        threads: how many may decrypt at once.

    Yields:
        The plaintext in pieces. Each is valid until the next is asked for.

    Raises:
        NotEncryptedError: it is not a container.
        VersionError: it was made by a later release.
        MissingKeyError: its key is not among them.
        DamagedError: it was changed, cut off or extended.
    """
    header = read_header(source)
    yield from decrypt_payload(source, header, find_key(header, keys), threads=threads)


def decrypt_payload(source: Source, header: Header, key: Key, *, threads: int = 1) -> Iterator[memoryview]:
    """Decrypt what follows a header.

    Args:
        source: the container, behind its header.
        header: its header.
        key: the key that it names.
        threads: how many may decrypt at once.

    Yields:
        The plaintext in pieces, as `decrypt` does.

    Raises:
        DamagedError: it was changed, cut off or extended.
    """
    yield from chunks.decrypt_chunks(_payload_key(header, key), source, threads=threads)


def find_key(header: Header, keys: Iterable[Key]) -> Key:
    """Find the key that a header names.

    Raises:
        MissingKeyError: it is not among them.
    """
    known = []
    for key in keys:
        if hmac.compare_digest(key.raw_id, header.key_id):
            return key
        known.append(key.id)
    raise MissingKeyError(
        f"needs the key {header.key_id.hex()}, which is not among the keys known here ({', '.join(known) or 'none'})",
        remedy="see `senseid key list`; give the key with --key-file, or put its file into the keys folder",
    )


def _payload_key(header: Header, key: Key) -> bytes:
    start, mac = header.raw[:_MAC_AT], header.raw[_MAC_AT:]
    header_key, payload_key = _derive(key, start)
    if not hmac.compare_digest(_authenticate(header_key, start), mac):
        raise DamagedError(
            "does not decrypt: its header was changed since it was encrypted",
            remedy="get the file again from where it came",
        )
    return payload_key


def _derive(key: Key, start: bytes) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    salt = start[-_SALT:]

    def derived(label: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, label).derive(key.secret)

    return derived(_HEADER_LABEL), derived(_PAYLOAD_LABEL)


def _authenticate(header_key: bytes, start: bytes) -> bytes:
    return hmac.digest(header_key, start, hashlib.sha256)
