"""The folder of keys: one file per key, readable by its owner only. A key in the OS keyring has a file that says so."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_crypto import os_keyring
from senseid_crypto.errors import CryptoError, KeyFormatError, KeyNotWrittenError, KeyStoreError
from senseid_crypto.fsync import sync_folder
from senseid_crypto.key_file import MOST_BYTES, KeyFile, format_key_file, parse_key_file

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import BinaryIO

    from senseid_crypto.key import Key

DEFAULT_NAME: Final = "default"
"""The name of the default key."""

_SUFFIX: Final = ".key"
_NEXT_SUFFIX: Final = ".next"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_PRIVATE: Final = 0o600

_LONGEST_NAME: Final = 40
"""Length limit of names that a user chooses: the name of a replaced key is longer by its id."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of the folder.

    Attributes:
        name: its name.
        path: the path of its file.
        file: the content of the file.
    """

    name: str
    path: Path
    file: KeyFile

    @property
    def in_keyring(self) -> bool:
        """Whether the secret is in the OS keyring."""
        return self.file.key is None

    @property
    def id(self) -> str:
        """The id of the key, 16 hexadecimal digits."""
        return self.file.id or ""

    def load(self) -> Key:
        """Load the key itself.

        Raises:
            KeyStoreError: it is in the OS keyring, which does not return it.
        """
        return self.file.key if self.file.key is not None else os_keyring.fetch(self.id)


class KeyFolder:
    """The keys of one user."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: need not exist."""
        self.folder = folder

    def names(self) -> list[str]:
        """The names of all keys, the default one first, then by the alphabet."""
        try:
            found = [path.stem for path in self.folder.iterdir() if path.suffix == _SUFFIX]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(self.folder, error) from None
        return sorted(filter(_NAME.fullmatch, found), key=lambda name: (name != DEFAULT_NAME, name))

    def read(self, name: str) -> StoredKey | None:
        """The key of a name, or None.

        Raises:
            KeyStoreError: the file cannot be read.
            KeyFormatError: it is no key file.
        """
        path = self.path(name)
        try:
            return StoredKey(name, path, read_key_file(path))
        except FileNotFoundError:
            return None

    def path(self, name: str) -> Path:
        """The path of a key file.

        Raises:
            KeyFormatError: the name is invalid.
        """
        # The text is not repeated: someone may have given the key itself in place of a name.
        if not _NAME.fullmatch(name):
            raise KeyFormatError(
                "that is no name of a key", remedy="use letters, digits, '-' and '_', at most 64 of them"
            )
        return self.folder / f"{name}{_SUFFIX}"

    def add(self, name: str, key: Key, created: datetime, *, in_keyring: bool) -> Path:
        """Store a new key.

        Returns:
            The path of its file.

        Raises:
            KeyStoreError: there is a key of that name, or it cannot be stored.
            KeyNotWrittenError: its file cannot be written.
            KeyFormatError: that is no name.
        """
        path = self.path(name)
        _check_length(name)
        if os.path.lexists(path):
            raise KeyStoreError(
                f"{path}: there is a key of that name, and keys are never overwritten",
                remedy="use another name, or `senseid key rotate` to replace it",
            )
        self._create(path, key, created, in_keyring=in_keyring)
        return path

    def prepare_next(self, name: str, key: Key, created: datetime, *, in_keyring: bool) -> KeyFile:
        """Store the key that will replace another, or find the one that an interrupted call has stored.

        Raises:
            KeyStoreError: it cannot be stored.
            KeyFormatError: that is no name, or leaves no room for the id that the old key gets.
        """
        path = self._next_path(name)
        _check_length(name)
        with suppress(FileNotFoundError, KeyFormatError):
            return read_key_file(path)
        try:
            path.unlink(missing_ok=True)  # cut off while it was written: it has encrypted nothing
        except OSError as error:
            raise _unwritable(path, error) from None
        self._create(path, key, created, in_keyring=in_keyring)
        return read_key_file(path)

    def switch_to_next(self, name: str) -> Path | None:
        """Make the prepared key the one of this name; the old one stays under `NAME-ID`. Repeating it does no harm.

        Returns:
            Where the old key is now; None if there is none.
        """
        prepared, path = self._next_path(name), self.path(name)
        retired = None
        try:
            if not prepared.exists():
                return None
            old = self.read(name)
            if old is not None:
                retired = self.folder / f"{name}-{old.id}{_SUFFIX}"
                with suppress(FileExistsError):
                    retired.hardlink_to(path)
            prepared.replace(path)
            sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(path, error) from None
        return retired

    def _next_path(self, name: str) -> Path:
        path = self.path(name)
        return path.with_name(f"{name}{_NEXT_SUFFIX}{_SUFFIX}")

    def _create(self, path: Path, key: Key, created: datetime, *, in_keyring: bool) -> None:
        if in_keyring:
            os_keyring.store(key, created)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Written in its place: a key never is in a file of another name.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(format_key_file(key, created, in_keyring=in_keyring))
                    file.flush()
                    os.fsync(file.fileno())
                sync_folder(self.folder)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _unwritable(path, error) from None


def _check_length(name: str) -> None:
    if len(name) > _LONGEST_NAME:
        raise KeyFormatError("that name is too long for a key", remedy=f"use at most {_LONGEST_NAME} characters")


def read_key_file(path: Path, *, pipe: bool = False) -> KeyFile:
    """Read a key file or a `.env` file.

    Args:
        path: where it is.
        pipe: whether it may be a pipe, as the `<(...)` of a shell is; its writer is waited for.

    Raises:
        FileNotFoundError: there is none.
        KeyStoreError: it cannot be read.
        KeyFormatError: it is no key file.
    """
    try:
        with path.open("rb") if pipe else _open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        return parse_key_file(data)
    except CryptoError as error:
        raise error.at(str(path)) from None


def _open_regular(path: Path) -> BinaryIO:
    # Opening a pipe that nobody writes to would otherwise wait for ever. Windows has neither the flag nor such pipes.
    at_once = getattr(os, "O_NONBLOCK", 0)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | at_once))  # noqa: SIM115  the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a regular file")
    return file


def _unreadable(path: Path, error: OSError) -> KeyStoreError:
    return KeyStoreError(
        f"{path}: cannot be read: {(error.strerror or 'unknown reason').lower()}",
        remedy="check the path and its permissions",
    )


def _unwritable(path: Path, error: OSError) -> KeyNotWrittenError:
    return KeyNotWrittenError(
        f"{path}: cannot be written: {(error.strerror or 'unknown reason').lower()}",
        remedy="check the folder's permissions, or point SENSEID_HOME at a folder that you may write to",
    )
