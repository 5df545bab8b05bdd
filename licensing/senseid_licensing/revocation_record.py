"""The revocation lists of one installation: the installed one, and the newest of each root key ever seen.

A list is a file beside the licences. Without a record of what was seen, replacing it with an older list, or deleting
it, would make revoked licences valid again. A user who deletes the record as well is not stopped.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from senseid_licensing.clock import SLACK
from senseid_licensing.errors import LicenceMissingError, LicensingError, StorageError, about
from senseid_licensing.files import read_file, write_file
from senseid_licensing.revocation import parse_revocations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from senseid_licensing.public_key import PublicKey
    from senseid_licensing.revocation import Revocations


class RevocationRecord:
    """The list at one path, and the record in one folder: a copy of the newest list of each key."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._folder = folder

    def ids(self, keys: Mapping[str, PublicKey]) -> frozenset[str]:
        """The licences that no longer count, by the newest list of each of the keys.

        Raises:
            LicensingError: the installed list cannot be read, or none of the keys signed it.
        """
        newest = {key_id: seen[1] for key_id, key in keys.items() if (seen := self._seen(key))}
        placed = self._placed(keys)
        if placed and (placed[1].key_id not in newest or placed[1].issued >= newest[placed[1].key_id].issued):
            newest[placed[1].key_id] = placed[1]
        return frozenset().union(*(found.ids for found in newest.values()))

    def remember(self, keys: Mapping[str, PublicKey], now: datetime) -> None:
        """Keep a copy of the installed list, if it is the newest of its key.

        A list that is issued later than the clock shows is not kept before its time: no list made today could replace
        it. A folder that cannot be written is not an error. Raises the errors of `ids`.
        """
        placed = self._placed(keys)
        if placed is None or placed[1].issued > now + SLACK:
            return
        seen = self._seen(keys[placed[1].key_id])
        if seen is None or placed[1].issued > seen[1].issued:
            with suppress(StorageError):
                write_file(self._copy(placed[1].key_id), placed[0])

    def newest(self, key: PublicKey) -> bytes | None:
        """The newest list of a key, which its next one extends; None for its first.

        An installed list of another key is returned unchanged. Raises `LicensingError` if it cannot be read.
        """
        seen = self._seen(key)
        try:
            data = read_file(self._path, "revocation list")
        except LicenceMissingError:
            return seen[0] if seen else None
        with about(self._path):
            placed = parse_revocations(data)
        return seen[0] if seen and placed.key_id == key.id and placed.issued < seen[1].issued else data

    def _placed(self, keys: Mapping[str, PublicKey]) -> tuple[bytes, Revocations] | None:
        try:
            data = read_file(self._path, "revocation list")
        except LicenceMissingError:
            return None
        with about(self._path):
            found = parse_revocations(data)
            found.verify(keys)
        return data, found

    def _seen(self, key: PublicKey) -> tuple[bytes, Revocations] | None:
        # A damaged copy is ignored: anyone who can damage it can delete it.
        with suppress(LicensingError):
            data = read_file(self._copy(key.id), "revocation list")
            found = parse_revocations(data)
            found.verify({key.id: key})
            return data, found
        return None

    def _copy(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.json"
