"""The key of both formats: 32 characters, and the 12 characters of the wire format's IV."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senseid_crypto.errors import KeyFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_VARIABLE: Final = "PARAM_DECRYPT_KEY"
"""The environment variable of the service that holds the key."""

IV_VARIABLE: Final = "PARAM_DECRYPT_IV"
"""The environment variable of the service that holds the IV."""

KEY_LENGTH: Final = 32
IV_LENGTH: Final = 12
ID_LENGTH: Final = 8
"""Bytes of a key id; it is shown as twice as many hexadecimal digits."""

_ID_CONTEXT: Final = b"senseid key id v1"

# The key in the service's manual, which is public.
_PUBLISHED: Final = b"dcbbad6765e14139a07d34b92292a672"

_FEWEST_DIFFERENT: Final = 12
"""Minimum of distinct characters: 32 random ones out of 64 have fewer once in 10^11 keys."""

_MOST_STEPS: Final = 12
"""Of 31 pairs of neighbours, 12 that are equal or follow each other come up once in 10^9 keys."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key for both formats. Its characters do not appear in its repr.

    Attributes:
        secret: 32 bytes, ASCII.
        iv: 12 bytes, ASCII: the fixed IV of the wire format; None for a key that only opens containers.
    """

    secret: bytes = field(repr=False)
    iv: bytes | None = field(repr=False)

    def __repr__(self) -> str:
        return f"Key(id={self.id})"

    def __reduce__(self) -> tuple[type[Key], tuple[bytes, bytes | None]]:
        raise TypeError("a key is not pickled: it would leave this process")

    @property
    def raw_id(self) -> bytes:
        """The id in a container, 8 bytes: truncated HMAC-SHA-256 under the key. It reveals nothing of the key."""
        return hmac.digest(self.secret, _ID_CONTEXT, hashlib.sha256)[:ID_LENGTH]

    @property
    def id(self) -> str:
        """The id as 16 hexadecimal digits."""
        return self.raw_id.hex()

    @property
    def fixed_iv(self) -> bytes:
        """The IV of the wire format, 12 bytes.

        Raises:
            KeyFormatError: there is none.
        """
        if self.iv is None:
            raise KeyFormatError(
                f"the key {self.id} has no IV, which the wire format needs", remedy=f"set {IV_VARIABLE} beside the key"
            )
        return self.iv


def parse_key(secret: str, iv: str | None) -> Key:
    """Make a key of characters, as the service takes them.

    Args:
        secret: 32 ASCII characters: their bytes are the AES-256 key.
        iv: 12 ASCII characters, or None.

    Raises:
        KeyFormatError: another length or other characters. The text does not repeat them.
    """
    return Key(
        _characters(secret, KEY_VARIABLE, KEY_LENGTH), None if iv is None else _characters(iv, IV_VARIABLE, IV_LENGTH)
    )


def generate_key(entropy: Callable[[int], bytes]) -> Key:
    """A new key: 32 characters of A-Z, a-z, 0-9, `-` and `_`, which are 192 random bits; the IV is 12 such characters.

    Args:
        entropy: returns that many random bytes.
    """
    return Key(base64.urlsafe_b64encode(entropy(24)), base64.urlsafe_b64encode(entropy(9)))


def weaknesses(key: Key) -> tuple[str, ...]:
    """The weaknesses of a key, one short clause each; empty for a good one."""
    if key.secret == _PUBLISHED:
        return ("is the published default of the service's manual: everybody has it",)
    found = []
    characters = set(key.secret.decode("ascii"))
    if characters <= set(string.digits):
        found.append("is 32 decimal digits: at most 106 bits of the 256 that AES-256 takes")
    elif characters <= set(string.hexdigits):
        found.append("is 32 hexadecimal digits: only 128 bits of the 256 that AES-256 takes")
    steps = sum(abs(one - other) <= 1 for one, other in zip(key.secret, key.secret[1:], strict=False))
    if len(characters) < _FEWEST_DIFFERENT or steps >= _MOST_STEPS:
        found.append("has little variety: it looks typed, not random")
    return tuple(found)


def _characters(text: str, what: str, length: int) -> bytes:
    if not text.isascii() or not text.isprintable():
        raise KeyFormatError(
            f"{what} holds characters that are not printable ASCII", remedy=f"give {length} letters, digits or signs"
        )
    if len(text) != length:
        raise KeyFormatError(
            f"{what} has {len(text)} characters, it must have {length}",
            remedy="correct it, or make a key with `senseid key generate`",
        )
    return text.encode("ascii")
