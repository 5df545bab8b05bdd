"""Sources of keys: a file that was named, the environment, the keys folder, the OS keyring, `.env`.

Nothing is read before a key is needed, so that plain media cost nothing. No key comes from the command line: every
user of the machine can read the arguments of a running command.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from senseid_crypto.key import Key
    from senseid_crypto.key_folder import KeyFolder, StoredKey

ENVIRONMENT = "environment"
KEYRING = "keyring"
KEY_FILE_VARIABLE = "PARAM_DECRYPT_KEY_FILE"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key and its location.

    Attributes:
        key: the key.
        place: `environment`, `keyring`, or the path of a file.
        name: its name in the keys folder; None outside it.
        created: the time of creation, from its file; None if unknown.
        path: the file that holds it; None if no file does.
    """

    key: Key
    place: str
    name: str | None
    created: str | None
    path: Path | None


@dataclass(frozen=True, slots=True)
class KeySources:
    """The sources of keys. Iterating gives all keys, the one to encrypt with first.

    Attributes:
        folder: the keys folder.
        environment: variables: the service's two hold a key, a third names its file.
        env_file: a `.env` file, which need not exist. A variable of the environment overrides its line. A file that
            was not named comes last, only without a key in the environment, and only if nobody else can have
            written it.
        key_file: the only source, if it is given.
        name: the only key of the folder to use, if it is given.
        env_named: whether the user named the `.env` file.
        say: reports to the user how a `.env` file that was not named was treated.
    """

    folder: KeyFolder
    environment: Mapping[str, str]
    env_file: Path
    key_file: Path | None = None
    name: str | None = None
    env_named: bool = False
    say: Callable[[str], None] = field(default=lambda _: None, compare=False)

    def __iter__(self) -> Iterator[Key]:
        return (known.key for known in self.known())

    def known(self) -> Iterator[KnownKey]:
        """All keys with their places, the one to encrypt with first.

        Raises:
            CryptoError: a source exists and cannot be used. It is raised when iteration reaches it.
        """
        if self.key_file is not None:
            yield _of_file(self.key_file)
        elif self.name is not None:
            yield self._of_name(self.name)
        else:
            explicit = False
            for known in self._of_variables():
                explicit = True
                yield known
            for name in self.folder.names():
                yield self._of_name(name)
            if not explicit and not self.env_named:
                yield from self._of_unnamed()

    def to_encrypt(self) -> KnownKey:
        """The key to encrypt with: one that was named, else the environment's, else the default, else that of `.env`.

        Raises:
            NoKeyError: there is none.
            CryptoError: it cannot be used.
        """
        from senseid.errors import NoKeyError
        from senseid_crypto.key_folder import DEFAULT_NAME

        fit = (known for known in self.known() if self.name is not None or known.name in {None, DEFAULT_NAME})
        first = next(fit, None)
        if first is None:
            raise NoKeyError(
                "there is no key to encrypt with",
                remedy="make one: `senseid key generate`; or choose one of `senseid key list` with --key",
            )
        return first

    def _of_variables(self) -> Iterator[KnownKey]:
        from senseid_crypto.errors import KeyFormatError
        from senseid_crypto.key import IV_VARIABLE, KEY_VARIABLE
        from senseid_crypto.key_file import key_of, parse_variables

        variables = {name: self.environment[name] for name in (KEY_VARIABLE, IV_VARIABLE) if self.environment.get(name)}
        of_file = {}
        if self.env_named and len(variables) < 2:
            of_file = parse_variables(_text_of(self.env_file, pipe=True))
        place = ENVIRONMENT if KEY_VARIABLE in variables else str(self.env_file)
        try:
            key = key_of({**of_file, **variables})
        except KeyFormatError as error:
            places = [ENVIRONMENT] if variables else []
            if {KEY_VARIABLE, IV_VARIABLE} & of_file.keys() - variables.keys():
                places.append(str(self.env_file))
            raise error.at(" and ".join(places)) from None
        if key is not None:
            yield KnownKey(key, place, None, None, None if place == ENVIRONMENT else self.env_file)
        path = self.environment.get(KEY_FILE_VARIABLE) or of_file.get(KEY_FILE_VARIABLE)
        if path:
            yield _of_file(Path(path))

    def _of_unnamed(self) -> Iterator[KnownKey]:
        from senseid.env_file import distrust
        from senseid_crypto.errors import KeyFormatError
        from senseid_crypto.key_file import key_of, parse_variables

        if not os.path.isfile(self.env_file):
            if os.path.lexists(self.env_file):
                _text_of(self.env_file)  # reports why, if that was deliberate
            return
        reason = distrust(self.env_file)
        if reason:
            self.say(f"{self.env_file} of this folder is not read: {reason}. If it is yours, name it: --key-file .env")
            return
        try:
            key = key_of(parse_variables(_text_of(self.env_file)))
        except KeyFormatError as error:
            raise error.at(str(self.env_file)) from None
        if key is not None:
            self.say(f"the key {key.id} is that of {self.env_file} in this folder, which was not named")
            yield KnownKey(key, str(self.env_file), None, None, self.env_file)

    def _of_name(self, name: str) -> KnownKey:
        from senseid_crypto.errors import MissingKeyError

        stored = self.folder.read(name)
        if stored is None:
            # Without the name: someone may have given the key itself instead.
            raise MissingKeyError("there is no key of that name", remedy="see `senseid key list`")
        return _loaded(stored, stored.name)


def _of_file(path: Path) -> KnownKey:
    from senseid_crypto.errors import KeyStoreError
    from senseid_crypto.key_folder import StoredKey, read_key_file

    try:
        return _loaded(StoredKey("", path, read_key_file(path, pipe=True)), None)
    except FileNotFoundError:
        raise KeyStoreError(f"{path}: there is no such key file", remedy="check the path") from None


def _loaded(stored: StoredKey, name: str | None) -> KnownKey:
    place, path = (KEYRING, None) if stored.in_keyring else (str(stored.path), stored.path)
    return KnownKey(stored.load(), place, name, stored.file.created, path)


def _text_of(path: Path, *, pipe: bool = False) -> str:
    """The text of a `.env` file; empty if there is none. It may hold variables of other programs.

    Args:
        path: the path of the file.
        pipe: whether it may be a pipe, as the `<(...)` of a shell is; its writer is waited for.
    """
    from senseid_crypto.errors import KeyStoreError
    from senseid_crypto.key_file import MOST_BYTES
    from senseid_models.open_file import NotRegularError, open_regular

    try:
        with path.open("rb") if pipe else open_regular(path) as file:
            text = file.read(MOST_BYTES).decode(errors="replace")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, NotRegularError):
        return ""
    except OSError as error:
        raise KeyStoreError(
            f"{path}: cannot be read: {reason_of(error)}",
            remedy="make it readable, or work in another folder",
        ) from None
    # UTF-16, as some Windows editors save. If it were ignored, a key other than the one in it would be used.
    if "\0" in text:
        raise KeyStoreError(f"{path}: is not text in UTF-8", remedy="save it in UTF-8, or work in another folder")
    return text
