"""Keys in the keyring of the operating system, by the optional library `keyring`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from senseid_crypto.errors import KeyStoreError
from senseid_crypto.key_file import format_key_file, parse_key_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from keyring.backend import KeyringBackend

    from senseid_crypto.key import Key

_SERVICE: Final = "senseid"


def store(key: Key, created: datetime) -> None:
    """Put a key into the keyring under its id.

    Raises:
        KeyStoreError: there is no keyring, or it refuses.
    """
    with _backend() as backend:
        backend.set_password(_SERVICE, key.id, format_key_file(key, created).decode("ascii"))


def fetch(key_id: str) -> Key:
    """The key of this id from the keyring.

    Raises:
        KeyStoreError: there is no keyring, it refuses, or it does not hold the key.
        KeyFormatError: what it holds is no key.
    """
    with _backend() as backend:
        text = backend.get_password(_SERVICE, key_id)
    key = None if text is None else parse_key_file(text.encode()).key
    if key is None or key.id != key_id:
        raise KeyStoreError(
            f"the OS keyring does not hold the key {key_id}", remedy="restore the key from your copy of it"
        )
    return key


@contextmanager
def _backend() -> Iterator[KeyringBackend]:
    try:
        import keyring
    except ImportError:
        raise KeyStoreError(
            "the OS keyring is used through the library keyring, which is not installed",
            remedy="install the extra `keyring` of senseid: `senseid doctor` says how",
        ) from None
    try:
        backend = keyring.get_keyring()
        # The library's own bar: below 1 are the backend that always fails, and those that store plain text.
        fit = backend.priority >= 1
        if fit:
            yield backend
    except Exception as error:
        # Backends talk to D-Bus, to Windows and to other programs, and fail in all of their ways. What they say might
        # hold the secret.
        raise KeyStoreError(
            f"the OS keyring failed ({type(error).__name__})", remedy="unlock it and try again"
        ) from None
    if not fit:
        raise KeyStoreError(
            "there is no OS keyring here that is fit to hold a key",
            remedy="start the desktop's keyring, or keep the key in a file: leave --keyring out",
        )
