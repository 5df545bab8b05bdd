"""Form fields to inputs of the engine: decrypted, decoded, and named by their parameter in every message."""

from __future__ import annotations

import binascii
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from senseid.errors import RequestError
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_service.endpoints import plain_name, plain_names
from senseid_service.forms import boolean, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from senseid_crypto.key import Key
    from senseid_engine.image import Image
    from senseid_engine.liveness.capture import Capture
    from senseid_engine.video import Video
    from senseid_service.steps import Steps

_HEAD: Final = 64
"""Number of Base64 characters that show the type of the content."""


class Inputs:
    """The parameters of one request."""

    def __init__(
        self,
        form: Mapping[str, bytes],
        keys: Sequence[Key],
        *,
        plain_media: bool = False,
        phone_formats: bool = False,
        steps: Steps | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            form: the fields.
            keys: the keys to decrypt media with.
            plain_media: whether photos and videos may come as they are.
            phone_formats: whether photos may be WebP, AVIF and HEIC.
            steps: take note of the time that decoding takes; None where nothing is traced.
        """
        self._form = form
        self._keys = keys
        self._plain_media = plain_media
        self._phone_formats = phone_formats
        self._decoding = nullcontext if steps is None else partial(steps.step, "decode")

    def switch(self, name: str) -> bool:
        """A boolean, False where it is absent.

        Raises:
            RequestError: it is neither `true` nor `false`.
        """
        return boolean(self._form, name)

    def photo(self, name: str) -> Image:
        """A photo, encrypted or, where that is allowed, plain.

        Raises:
            RequestError: it is missing, or there twice.
            CryptoError: it does not decrypt.
            MediaError: it is refused as a photo.
        """
        from senseid_engine.image import decode_image

        with self._decoding():
            given, data = self._media(name)
            return decode_image(data, name=given, phone_formats=self._phone_formats)

    def photos(self, name: str) -> Iterator[Image]:
        """Further photos of a person, none where they are absent; each is decoded when it is asked for.

        Encrypted ones are in one field, with commas between them; plain ones are in a field each.

        Raises:
            RequestError: one is empty, or with the person's first photo they are more than can be one person's.
            CryptoError: one does not decrypt; raised when it is asked for.
            MediaError: one is refused as a photo; likewise.
        """
        plain = [each for each in plain_names(name) if each in self._form]
        if plain:
            self._check_plain(plain[0], name)
            return (self._further(required(self._form, each), each, plain=True) for each in plain)
        # Base64 has no commas. One more is split off than may be: whatever a form holds, little is kept twice.
        texts = required(self._form, name).split(b",", MOST_REFERENCES) if name in self._form else []
        if len(texts) >= MOST_REFERENCES:
            raise RequestError(f"{name} holds more than {MOST_REFERENCES - 1} photos")
        if not all(text.strip() for text in texts):
            raise RequestError(f"{name} holds an empty photo")
        return (self._further(text, f"{name} {i}") for i, text in enumerate(texts, 1))

    def _further(self, data: bytes, name: str, *, plain: bool = False) -> Image:
        from senseid_engine.image import decode_image

        with self._decoding():
            data = data if plain else self._decrypted(data, name)
            return decode_image(data, name=name, phone_formats=self._phone_formats)

    def _media(self, name: str) -> tuple[str, bytes]:
        """The name of the field that was given, and the decrypted bytes of a photo or a video."""
        plain = plain_name(name)
        if plain not in self._form:
            return name, self._decrypted(required(self._form, name), name)
        self._check_plain(plain, name)
        return plain, required(self._form, plain)

    def _check_plain(self, plain: str, name: str) -> None:
        if not self._plain_media:
            raise RequestError(f"{plain} is not encrypted: send {name}, or start the service with --plain-media")
        if name in self._form:
            raise RequestError(f"{plain} and {name} are the same parameter, which is there twice")

    def _decrypted(self, text: bytes, name: str) -> bytes:
        from senseid_crypto import sealed, wire
        from senseid_crypto.container import MAGIC
        from senseid_crypto.errors import CryptoError

        text = repaired(text)
        try:
            if _base64(text[:_HEAD]).startswith(MAGIC):
                return sealed.open_bytes(_base64(text), self._keys)
            return wire.decrypt_bytes(text, self._keys)
        except binascii.Error:
            raise RequestError(f"{name} is not Base64") from None
        except CryptoError as error:
            raise error.at(name) from None

    def video(self, name: str) -> Video:
        """A video, encrypted or, where that is allowed, plain; its header is read.

        Raises:
            RequestError: it is missing, or there twice.
            CryptoError: it does not decrypt.
            EngineError: it is refused as a video.
        """
        from senseid_engine.video import decode_video

        with self._decoding():
            given, data = self._media(name)
            return decode_video(data, name=given)

    def capture(self, name: str) -> Capture:
        """A file of liveness data, as it was made: sealed, and not in Base64.

        Raises:
            RequestError: it is missing.
            LivenessDataError: it is not liveness data, or was sealed with another key.
        """
        from senseid.captures import read_capture

        with self._decoding():
            return read_capture(required(self._form, name), name=name, keys=self._keys)


def repaired(text: bytes) -> bytes:
    """Restore Base64 that a form changed.

    A `+` that was not URL-encoded arrives as a space. Base64 has no spaces inside, so each is restored; its length and
    the authentication of the ciphertext show whether that was right. Line breaks, which many encoders write, are
    removed.
    """
    text = text.strip()
    if b"\n" in text or b"\r" in text:
        text = text.replace(b"\r", b"").replace(b"\n", b"")
    return text.replace(b" ", b"+")


def _base64(text: bytes) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)
