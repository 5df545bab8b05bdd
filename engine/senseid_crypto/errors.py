"""Errors of encryption. No text here contains a key or a plaintext, and none knows an exit status."""

from __future__ import annotations

from typing import Self


class CryptoError(Exception):
    """Base of all errors that this package raises.

    ::

        CryptoError
        |- KeyFormatError       the given key is invalid, or lacks the IV
        |- KeyStoreError        a key file or the OS keyring cannot be used
        |  `- KeyNotWrittenError  it cannot be written
        `- DecryptionError      the data cannot be decrypted
           |- NotEncryptedError   neither a container nor Base64
           |- VersionError        a container of a later release
           |- MissingKeyError     the key is not among those that are known
           |- DamagedError        another key, or changed, cut off or extended
           `- TooLongError        more than the caller takes, or than the format

    Attributes:
        message: what is wrong, in one line.
        remedy: what the user can do about it, in one line.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be pickled, as process pools do. The constructor takes others than `args`, so it is not called."""
        return type(self).__new__, (type(self), *self.args), vars(self)

    def at(self, place: str) -> Self:
        """The same error with the file it is about as a prefix of its message."""
        return type(self)(f"{place}: {self.message}", remedy=self.remedy)


class KeyFormatError(CryptoError):
    """The given key is invalid, or lacks what the format needs."""


class KeyStoreError(CryptoError):
    """A key file or the OS keyring cannot be read or written, or there is a key of that name already."""


class KeyNotWrittenError(KeyStoreError):
    """A key file cannot be written: the disk is full, read-only, or not for this user."""


class DecryptionError(CryptoError):
    """The data cannot be decrypted."""


class NotEncryptedError(DecryptionError):
    """The data are neither a container nor Base64."""


class VersionError(DecryptionError):
    """The container was made by a later release."""


class MissingKeyError(DecryptionError):
    """No known key is the one that the data need."""


class DamagedError(DecryptionError):
    """The data do not authenticate: encrypted under another key, or changed, cut off or extended since."""


class TooLongError(DecryptionError):
    """The data decrypt to more bytes than the caller takes, or are more than the format can hold."""
