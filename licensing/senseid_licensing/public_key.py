"""Ed25519 public keys: their ids, their one-line text form, and checking signatures with them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from senseid_licensing.errors import KeyFileError, SignatureError, library_error

LABEL = "senseid-ed25519"
_REMEDY = "use the .pub file that `senseid license keygen` wrote"

_PRIME = 2**255 - 19
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y of all points whose order divides 8. Such a "key" has signatures that are valid for many messages and that
# anybody can make; OpenSSL accepts it.
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _EIGHTH, _PRIME - _EIGHTH})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
        raw: the 32 bytes of RFC 8032.

    Raises:
        KeyFileError: they are not 32, or a point of small order, which anybody can sign for.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise KeyFileError("a public key has 32 bytes", remedy=_REMEDY)
        # The highest bit is the sign of x; numbers from the prime on are a second way to write small ones.
        if int.from_bytes(self.raw, "little") % 2**255 % _PRIME in _SMALL_ORDER:
            raise KeyFileError("the public key is weak: anybody can sign for it", remedy=_REMEDY)

    @property
    def id(self) -> str:
        """The id of the key in licences: the first 32 hexadecimal digits of its SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()[:32]

    def to_text(self) -> str:
        """One line: a label and the key in Base64."""
        return f"{LABEL} {base64.b64encode(self.raw).decode()}\n"

    def verify(self, signature: bytes, message: bytes) -> None:
        """Return if the key signed the message, else raise `SignatureError`."""
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError as error:
            raise library_error(error, "cryptography") from error
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise SignatureError(
                f"the signature by key {self.id} does not hold: the content was changed after signing",
                remedy="ask your vendor for the file again",
            ) from None


def parse_public_key(text: str) -> PublicKey:
    """Read the one-line form; raises `KeyFileError`."""
    words = text.removeprefix("\ufeff").split()
    try:
        raw = base64.b64decode(words[1], validate=True) if len(words) == 2 and words[0] == LABEL else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise KeyFileError(
            f"not a public key: one line '{LABEL} <Base64>' is expected",
            remedy=_REMEDY,
        )
    return PublicKey(raw)
