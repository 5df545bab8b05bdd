"""Key rotation for folders of containers, in steps that may be interrupted after each.

1. The new key is stored under a name of its own.
2. A note lists the folders of the rotation. From here on the same command resumes it.
3. The old key gets a second name, then the new one takes over the first.
4. Every container that is not under the new key yet is replaced.
5. The note is removed.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from senseid.errors import RefusedError
from senseid.output_file import new_file
from senseid_cli import paths
from senseid_cli.crypt.file_jobs import FileJob, is_container, size_of, walk
from senseid_crypto.errors import MissingKeyError
from senseid_crypto.key_folder import DEFAULT_NAME
from senseid_engine.errors import reason_of
from senseid_models.open_file import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from senseid_crypto.key import Key
    from senseid_crypto.key_folder import KeyFolder

_FORMAT = "senseid-rotation/1"


def begin(keys: KeyFolder, name: str, folders: Sequence[Path], fresh: Key, now: datetime, *, in_keyring: bool) -> Key:
    """Start a rotation, or resume one that was interrupted.

    Args:
        keys: the folder of keys.
        name: the name of the key that is replaced.
        folders: the folders of its containers.
        fresh: the new key, if one is needed.
        now: the time, UTC.
        in_keyring: where a new key is kept.

    Returns:
        The key to encrypt with.

    Raises:
        RefusedError: a path is not a folder, the current folder was deleted, or another rotation of this key is not
            complete, or was begun at the same time.
        CryptoError: a key cannot be stored or read, or there is none of that name.
    """
    paths.check_here()
    for folder in folders:
        if not os.path.isdir(folder):
            raise RefusedError(f"{folder} is no folder", remedy="name folders that hold containers")
    wanted = sorted(str(folder.resolve()) for folder in folders)
    note = _note(keys, name)
    begun = _read(note)
    expected = None
    if begun is None:
        # The default key may be the first one: until then the environment's was used. Another name is a mistake.
        if name != DEFAULT_NAME and keys.read(name) is None:
            raise MissingKeyError("there is no key of that name", remedy="see `senseid key list`")
        try:
            expected = keys.prepare_next(name, fresh, now, in_keyring=in_keyring).id
            with new_file(note, overwrite=False) as file:
                file.write(json.dumps({"format": _FORMAT, "folders": wanted}).encode())
        except (FileNotFoundError, RefusedError):
            raise _meanwhile() from None
    elif begun != wanted:
        raise RefusedError(
            f"the rotation of this key that was begun for {', '.join(begun)} is not complete",
            remedy=f"run it for the same folders, or give it up by deleting {note}",
        )
    keys.switch_to_next(name)
    stored = keys.read(name)
    if stored is None:
        raise RefusedError(
            f"the key that the rotation noted in {note} needs is gone", remedy="restore it, or delete the note"
        )
    if expected not in {None, stored.id}:
        end(keys, name)  # with it, the next call would take the old key for the new one
        raise _meanwhile()
    return stored.load()


def _meanwhile() -> RefusedError:
    return RefusedError(
        "another rotation of this key was begun at the same time", remedy="wait until it has ended, and run this again"
    )


def containers(folders: Sequence[Path]) -> list[FileJob]:
    """All containers of some folders, each once, and unreadable files, which might be containers."""
    found = {path.resolve(): path for folder in folders for path in walk(folder) if is_container(path) is not False}
    return [FileJob(str(path), path, size_of(path)) for path in found.values()]


def end(keys: KeyFolder, name: str) -> None:
    """Finish the rotation."""
    _note(keys, name).unlink(missing_ok=True)


def _note(keys: KeyFolder, name: str) -> Path:
    return keys.path(name).with_suffix(".rotation")


def _read(note: Path) -> list[str] | None:
    """The folders of a rotation that was started, or None."""
    try:
        with open_regular(note) as file:
            return [str(folder) for folder in json.load(file)["folders"]]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(
            f"{note} cannot be read: {reason_of(error)}",
            remedy="check its permissions and those of its folder",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise RefusedError(
            f"{note} says nothing of the rotation that it belongs to", remedy="delete it, and begin again"
        ) from None
