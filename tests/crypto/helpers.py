"""Short ways to seal and open, and bytes that are the same in every run."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from senseid_crypto import container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from senseid_crypto.key import Key


def fixed(length: int) -> bytes:
    """Random bytes that are the same every time."""
    return hashlib.shake_256(b"senseid test entropy").digest(length)


def data_of(length: int) -> bytes:
    """Bytes of no pattern."""
    return hashlib.shake_128(b"senseid test data").digest(length)


def seal(data: bytes, key: Key, *, entropy: Callable[[int], bytes] = fixed, threads: int = 1) -> bytes:
    return joined(container.encrypt(io.BytesIO(data), key, entropy=entropy, threads=threads))


def unseal(data: bytes, *keys: Key, threads: int = 1) -> bytes:
    return joined(container.decrypt(io.BytesIO(data), keys, threads=threads))


def joined(pieces: Iterable[bytes | memoryview]) -> bytes:
    return b"".join(bytes(piece) for piece in pieces)
