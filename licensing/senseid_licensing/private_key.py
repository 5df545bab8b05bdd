"""Ed25519 private keys and the file that keeps one, sealed with a passphrase.

The seal is scrypt and ChaCha20-Poly1305. The public key and the seal's parameters are authenticated with it, so that
a changed file cannot pass as another key.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from senseid_licensing.document import Json, canonical, parse_document, pretty
from senseid_licensing.errors import FormatError, KeyFileError, LicensingError, library_error
from senseid_licensing.fields import Fields
from senseid_licensing.public_key import LABEL, PublicKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

FORMAT = "senseid-key/1"
# 128 MiB and about half a second per guess: OWASP's first choice for scrypt.
SCRYPT_COST = 2**17
_SCRYPT_BLOCK = 8
# 1 GiB. Also, OpenSSL takes no bound on memory of 2 GiB or more.
_MAX_COST = 2**20
# Memory that OpenSSL needs besides the 128 * cost * block bytes of the algorithm itself.
_SCRYPT_EXTRA = 1024 * 1024


class PrivateKey:
    """A key that signs. Its secret shows in no repr, log or traceback."""

    __slots__ = ("_key", "_seed", "public")

    def __init__(self, seed: bytes) -> None:
        """Make the key of a 32-byte seed (RFC 8032)."""
        self._seed = seed
        self._key = _load(seed)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"PrivateKey(id={self.public.id})"

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        return self._key.sign(message)

    def to_file(self, passphrase: str | None, entropy: Callable[[int], bytes], cost: int = SCRYPT_COST) -> bytes:
        """The bytes of a key file; without a passphrase the secret is in plain text.

        Args:
            passphrase: the passphrase to seal it with.
            entropy: gives that many random bytes.
            cost: scrypt's N.
        """
        header: dict[str, Json] = {
            "format": FORMAT,
            "public": base64.b64encode(self.public.raw).decode(),
            "seal": None,
        }
        secret = self._seed
        if passphrase is not None:
            salt, nonce = entropy(16), entropy(12)
            header["seal"] = {
                "kdf": "scrypt",
                "cost": cost,
                "salt": base64.b64encode(salt).decode(),
                "nonce": base64.b64encode(nonce).decode(),
            }
            secret = _cipher(passphrase, salt, cost).encrypt(nonce, secret, canonical(header))
        return pretty({**header, "secret": base64.b64encode(secret).decode()})


def generate(entropy: Callable[[int], bytes]) -> PrivateKey:
    """A new key."""
    return PrivateKey(entropy(32))


def is_sealed(data: bytes) -> bool:
    """Whether a key file needs a passphrase. Raises `KeyFileError` if it is not a key file."""
    return _read(data)[1] is not None


def describe_key_file(data: bytes) -> dict[str, Json]:
    """The public facts of a key file: its key's id, and whether a passphrase seals it. Raises `KeyFileError`."""
    fields, seal = _read(data)
    try:
        public = PublicKey(fields.octets("public", 32))
    except FormatError as error:
        raise _broken(error) from None
    return {"kind": "private key", "key": public.id, "sealed": seal is not None}


def open_key_file(data: bytes, passphrase: str | None) -> PrivateKey:
    """Read a key file. Raises `KeyFileError` if it is broken or the passphrase is missing or wrong."""
    fields, seal = _read(data)
    try:
        key = PrivateKey(fields.octets("secret", 32) if seal is None else _unseal(fields, seal, passphrase))
        if key.public.raw != fields.octets("public", 32):
            raise KeyFileError("the key file's public and secret parts do not belong together", remedy=_RESTORE)
    except FormatError as error:
        raise _broken(error) from None
    return key


_RESTORE = "restore the key file from your backup"


def _read(data: bytes) -> tuple[Fields, Fields | None]:
    if data.startswith(LABEL.encode()):
        raise KeyFileError("is a public key, which signs nothing", remedy="give the private one, such as vendor.key")
    try:
        fields = Fields(parse_document(data), "the key file")
        if fields.raw("format") != FORMAT:
            raise fields.refuse("format", f"{FORMAT!r}")
        return fields, None if fields.is_null("seal") else fields.inner("seal")
    except LicensingError as error:
        raise _broken(error) from None


def _unseal(fields: Fields, seal: Fields, passphrase: str | None) -> bytes:
    if passphrase is None:
        raise KeyFileError(
            "the key file is sealed with a passphrase and none was given",
            remedy="give --passphrase-file FILE, or set SENSEID_KEY_PASSPHRASE",
        )
    cost = seal.integer("cost", 2, _MAX_COST)
    if seal.raw("kdf") != "scrypt" or cost & (cost - 1):
        raise seal.refuse("kdf", "scrypt with a cost that is a power of two")
    salt, nonce, sealed = seal.octets("salt", 16), seal.octets("nonce", 12), fields.octets("secret", 48)
    header = {name: fields.value[name] for name in ("format", "public", "seal")}
    cipher = _cipher(passphrase, salt, cost)
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, sealed, canonical(header))
    except InvalidTag:
        raise KeyFileError(
            "the passphrase is wrong, or the key file was changed", remedy="try the passphrase again"
        ) from None


def _cipher(passphrase: str, salt: bytes, cost: int) -> ChaCha20Poly1305:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as error:
        raise library_error(error, "cryptography") from error
    memory = 128 * cost * _SCRYPT_BLOCK + _SCRYPT_EXTRA
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=cost, r=_SCRYPT_BLOCK, p=1, maxmem=memory, dklen=32)
    return ChaCha20Poly1305(key)


def _load(seed: bytes) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise library_error(error, "cryptography") from error
    return Ed25519PrivateKey.from_private_bytes(seed)


def _broken(error: LicensingError) -> KeyFileError:
    return KeyFileError(f"the key file is broken: {error.message}", remedy=_RESTORE)
