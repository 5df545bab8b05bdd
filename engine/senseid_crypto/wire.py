"""The wire format of the service: Base64 of AES-256-GCM's ciphertext and 16-byte tag, under a fixed IV.

Kept byte for byte for compatibility. The IV is the same for all data under a key: two ciphertexts XOR to the XOR of
their plaintexts, and whoever has two of them can forge others. Data at rest belong into the container.

Base64 is read strictly: the standard alphabet, with padding, in its one canonical form; blanks, tabs and line ends are
allowed at both ends and nowhere else. So each text but for those blanks stands for other data, and a flipped bit shows.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from senseid_crypto.chunks import damaged, read_fully
from senseid_crypto.errors import DamagedError, MissingKeyError, NotEncryptedError, TooLongError
from senseid_crypto.key import IV_VARIABLE, KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from senseid_crypto.chunks import Source
    from senseid_crypto.key import Key

TAG: Final = 16
BLANKS: Final = b" \t\r\n"
"""Blanks that are allowed before and after the Base64."""

MOST_BYTES: Final = 2**36 - 32
"""The longest plaintext of AES-GCM, in bytes."""

SHORTEST: Final = 24
"""Characters of the shortest wire text: the tag alone."""

_PIECE: Final = 3 * 64 * 1024
"""Bytes that are encrypted at once: a multiple of three, so that Base64 pads nothing in the middle."""

_TEXT_PIECE: Final = 256 * 1024
"""Characters that are decoded at once."""


def encrypted_length(plain: int) -> int:
    """Number of characters for so many bytes."""
    return 4 * -(-(plain + TAG) // 3)


def encrypt(source: Source, key: Key) -> Iterator[bytes]:
    """Encrypt everything that a source holds.

    Yields:
        The Base64 text in pieces, without a line end.

    Raises:
        KeyFormatError: the key has no IV.
        TooLongError: the source holds more than `MOST_BYTES`.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import GCM

    encryptor = Cipher(AES(key.secret), GCM(key.fixed_iv)).encryptor()
    room = memoryview(bytearray(_PIECE))
    left = MOST_BYTES
    while (length := read_fully(source, room)) == _PIECE and left >= length:
        yield _base64(encryptor.update(room))
        left -= length
    if length > left:
        raise TooLongError(
            f"is over {MOST_BYTES:,} bytes, which AES-GCM cannot encrypt under one IV",
            remedy="leave --format wire out: a container takes any length",
        )
    yield _base64(encryptor.update(room[:length]) + encryptor.finalize() + encryptor.tag)


def encrypt_bytes(data: bytes, key: Key) -> bytes:
    """The Base64 text of these bytes.

    Raises:
        KeyFormatError: the key has no IV.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return _base64(AESGCM(key.secret).encrypt(key.fixed_iv, data, None))


def decrypt_bytes(text: bytes, keys: Iterable[Key]) -> bytes:
    """The bytes of a Base64 text.

    Args:
        text: blanks at its ends are skipped.
        keys: tried in this order; those without an IV are skipped.

    Raises:
        NotEncryptedError: it is not Base64 in its strict form.
        MissingKeyError: no key has an IV.
        DamagedError: none of the keys fits, or the text was changed, cut off or extended.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    data = _from_base64(text.strip(BLANKS))
    if len(data) < TAG:
        raise damaged()
    for key in _usable(keys):
        try:
            return AESGCM(key.secret).decrypt(key.fixed_iv, data, None)
        except InvalidTag:
            continue
    raise _no_key_fits()


def find_key(source: Source, keys: Iterable[Key]) -> Key:
    """Read a whole source and return the key under which it authenticates.

    Args:
        source: the Base64 text; it is left at its end.
        keys: tried at the same time, in one pass.

    Raises:
        NotEncryptedError: it is not Base64 in its strict form.
        MissingKeyError: no key has an IV.
        DamagedError: none of the keys fits, or the text was changed, cut off or extended.
    """
    usable = list(_usable(keys))
    attempts = [_Attempt(key) for key in usable]
    length = 0
    for piece in _decoded(source):
        length += len(piece)
        for attempt in attempts:
            attempt.take(piece)
    if length < TAG:
        raise damaged()
    for key, attempt in zip(usable, attempts, strict=True):
        if attempt.holds():
            return key
    raise _no_key_fits()


def decrypt(source: Source, key: Key) -> Iterator[bytes]:
    """Decrypt a Base64 text piece by piece.

    Nothing that it yields is authentic before it ends without an error: call it for what `find_key` has found good.

    Raises:
        NotEncryptedError: it is not Base64 in its strict form.
        DamagedError: another key, or the text was changed, cut off or extended.
    """
    attempt = _Attempt(key)
    for piece in _decoded(source):
        yield attempt.take(piece)
    if not attempt.holds():
        raise _no_key_fits()


class _Attempt:
    """The decryption of one text under one key, which always holds back what may be the tag."""

    def __init__(self, key: Key) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import GCM

        self._decryptor = Cipher(AES(key.secret), GCM(key.fixed_iv)).decryptor()
        self._held = b""

    def take(self, data: bytes) -> bytes:
        """Decrypt everything that is certainly not the tag."""
        data = self._held + data
        cut = max(0, len(data) - TAG)
        self._held = data[cut:]
        return self._decryptor.update(data[:cut])

    def holds(self) -> bool:
        """Whether the tag was right; called once, at the end."""
        from cryptography.exceptions import InvalidTag

        if len(self._held) < TAG:
            return False
        try:
            self._decryptor.finalize_with_tag(self._held)
        except InvalidTag:
            return False
        return True


def _decoded(source: Source) -> Iterator[bytes]:
    """Decode Base64 piece by piece, as strictly as all at once."""
    room = memoryview(bytearray(_TEXT_PIECE))
    text = b""
    left = encrypted_length(MOST_BYTES)
    while (length := read_fully(source, room)) == _TEXT_PIECE:
        text = (text + room).lstrip(BLANKS) if not text else text + room
        # What may be the end stays: blanks, and the last group, in which alone there may be padding.
        cut = max(0, len(text.rstrip(BLANKS)) - 1) // 4 * 4
        if b"=" in text[:cut] or len(text) - cut > _TEXT_PIECE:
            raise _not_base64()
        left -= cut
        if left < 0:
            raise damaged()
        yield _from_base64(text[:cut])
        text = text[cut:]
    text = (text + room[:length]).strip(BLANKS)
    if len(text) > left:
        raise damaged()
    yield _from_base64(text)


def _from_base64(text: bytes) -> bytes:
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise _not_base64() from None
    # The last group may have unused bits; they must be zero, as every encoder writes them.
    if not text.endswith(_base64(data[-(len(data) % 3 or 3) :])):
        raise _not_base64()
    return data


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def _usable(keys: Iterable[Key]) -> list[Key]:
    usable = [key for key in keys if key.iv is not None]
    if not usable:
        raise MissingKeyError(
            "looks encrypted in the wire format, and no key with an IV is known here",
            remedy=f"set {KEY_VARIABLE} and {IV_VARIABLE}, or give --key-file",
        )
    return usable


def _not_base64() -> NotEncryptedError:
    return NotEncryptedError(
        "is neither a senseid container nor Base64 without line breaks: it may have been changed",
        remedy="check that it is the right file, and take line breaks out of its Base64",
    )


def _no_key_fits() -> DamagedError:
    return DamagedError(
        "does not decrypt under any key known here: another key or IV, or it was changed, cut off or extended",
        remedy="check the key and the IV with whoever encrypted it",
    )
