"""What encryption refuses, and why. No text here holds a key or a plaintext, and none knows an exit status."""

from __future__ import annotations

from typing import Self


class CryptoError(Exception):
    """Base of everything that this package raises on purpose.

    ::

        CryptoError
        |- KeyFormatError       what was given as a key is none, or lacks the IV
        |- KeyStoreError        a key file or the OS keyring cannot be used
        |  `- KeyNotWrittenError  it cannot be written
        `- DecryptionError      the data cannot be decrypted
           |- NotEncryptedError   neither a container nor Base64
           |- VersionError        a container of a later release
           |- MissingKeyError     the key is not among those that are known
           |- DamagedError        another key, or changed, cut off or extended
           `- TooLongError        more than the caller takes, or than the format

    Attributes:
        message: one line: what is wrong.
        remedy: one line: what the user does about it.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def at(self, place: str) -> Self:
        """The same error with the file it is about in front of its message."""
        return type(self)(f"{place}: {self.message}", remedy=self.remedy)


class KeyFormatError(CryptoError):
    """What was given as a key cannot be one, or lacks what the format needs."""


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
