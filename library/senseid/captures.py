"""Liveness data files: written by `senseid liveness pack`, read by `senseid verify` and the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid import installation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from senseid_crypto.key import Key
    from senseid_engine.liveness.capture import Capture
    from senseid_engine.liveness.results import LivenessResult
    from senseid_engine.video import Video


def make_capture(video: Video, result: LivenessResult, key: Key) -> bytes:
    """Make the file for a check that passed.

    Args:
        video: the video that was checked.
        result: the result of the check.
        key: the key to seal it with.
    """
    import hashlib

    from senseid_crypto.sealed import seal_bytes
    from senseid_engine.liveness.capture import pack_capture

    return pack_capture(
        result,
        capture_id=installation.entropy(16),
        checked_at=installation.now(),
        models=bytes.fromhex(installation.models_digest()),
        video=hashlib.sha256(video.data).digest(),
        device=installation.this_device(),
        seal=lambda data: seal_bytes(data, key, entropy=installation.entropy),
    )


def read_capture(data: bytes, *, name: str, keys: Iterable[Key]) -> Capture:
    """Open a file of liveness data.

    Args:
        data: the whole file.
        name: its name in messages.
        keys: one of them must have sealed it.

    Raises:
        LivenessDataError: it is not liveness data, is sealed with another key, or was changed.
        CryptoError: the keys cannot be read.
    """
    from senseid_crypto.errors import DecryptionError
    from senseid_crypto.sealed import open_bytes
    from senseid_engine.errors import LivenessDataError
    from senseid_engine.liveness.capture import unpack_capture

    def unseal(sealed: bytes) -> bytes:
        try:
            return open_bytes(sealed, keys)
        except DecryptionError as error:
            raise LivenessDataError(name, f"is liveness data that {error.message}: {error.remedy}") from error

    return unpack_capture(data, name=name, unseal=unseal)
