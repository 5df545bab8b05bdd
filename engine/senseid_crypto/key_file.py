"""Key files: lines of `NAME=value`, as in the `.env` file of the service, so that either can be used as the other.

Format: docs/formats/container.md. A key file may say that its secret is in the OS keyring instead.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senseid_crypto.errors import KeyFormatError
from senseid_crypto.key import IV_VARIABLE, KEY_VARIABLE, Key, parse_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MOST_BYTES: Final = 64 * 1024
"""The longest key file or `.env` file that is read."""

_ID: Final = "SENSEID_KEY_ID"
_CREATED: Final = "SENSEID_KEY_CREATED"
_STORE: Final = "SENSEID_KEY_STORE"
_KEYRING: Final = "keyring"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_HEAD: Final = "# A senseid key. Without it nobody reads what it encrypted: keep a copy in a safe place.\n"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The content of a key file.

    Attributes:
        id: the id of the key; None if the file has neither it nor the key.
        created: when it was made, according to the file; None if unknown.
        key: None if it is in the OS keyring.
    """

    id: str | None
    created: str | None
    key: Key | None = field(repr=False)


def parse_variables(text: str) -> dict[str, str]:
    """The variables of a `.env` file that have a value. `${...}` in them is not expanded."""
    from dotenv.parser import parse_stream

    # Only its parser: the rest warns of each invalid line, and a `.env` file may be another program's.
    lines = parse_stream(io.StringIO(text.removeprefix("\ufeff")))
    values = {line.key: line.value for line in lines if line.key is not None}
    return {name: value for name, value in values.items() if value}


def key_of(variables: Mapping[str, str]) -> Key | None:
    """The key that variables hold; None if they hold neither a key nor an IV. Empty ones count as absent.

    Raises:
        KeyFormatError: it cannot be a key, or there is an IV alone.
    """
    secret, iv = variables.get(KEY_VARIABLE) or None, variables.get(IV_VARIABLE) or None
    if secret is None:
        if iv is None:
            return None
        raise KeyFormatError(f"{IV_VARIABLE} is set and {KEY_VARIABLE} is not", remedy="set both, or neither")
    return parse_key(secret, iv)


def parse_key_file(data: bytes) -> KeyFile:
    """Read a key file.

    Raises:
        KeyFormatError: it holds no key, a broken one, or one with another id than stated.
    """
    if len(data) > MOST_BYTES:
        raise KeyFormatError(f"is over {MOST_BYTES:,} bytes and no key file", remedy=_REMEDY)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise KeyFormatError("is no text and so no key file", remedy=_REMEDY) from None
    variables = parse_variables(text)
    key = key_of(variables)
    said = variables.get(_ID)
    in_keyring = variables.get(_STORE) == _KEYRING and said is not None
    if key is None and not in_keyring:
        raise KeyFormatError(f"holds no key: there is no line {KEY_VARIABLE}=...", remedy=_REMEDY)
    if key is not None and said not in {None, key.id}:
        raise KeyFormatError("holds another key than the one that it names: it was changed", remedy=_REMEDY)
    return KeyFile(id=key.id if key is not None else said, created=variables.get(_CREATED), key=key)


_REMEDY: Final = "give a file that `senseid key generate` made, or the service's .env"


def format_key_file(key: Key, created: datetime, *, in_keyring: bool = False) -> bytes:
    """The bytes of a key file.

    Args:
        key: the key.
        created: now, in UTC.
        in_keyring: leave the secret out and note that it is in the OS keyring.
    """
    lines = [f"{_ID}={key.id}", f"{_CREATED}={created.strftime(_TIME)}"]
    if in_keyring:
        lines.append(f"{_STORE}={_KEYRING}")
    else:
        lines.append(f"{KEY_VARIABLE}={key.secret.decode('ascii')}")
        if key.iv is not None:
            lines.append(f"{IV_VARIABLE}={key.iv.decode('ascii')}")
    return (_HEAD + "\n".join(lines) + "\n").encode("ascii")
