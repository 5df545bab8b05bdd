"""The vendor's append-only log of licences signed with a key: one JSON object per line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.document import canonical
from senseid_licensing.files import append_line

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.licence import Licence
    from senseid_licensing.public_key import PublicKey


def issue_log_path(key_path: Path) -> Path:
    """The log of a key file: beside it, with the suffix `.issued.ndjson`."""
    return key_path.with_suffix(".issued.ndjson")


def log_issue(key_path: Path, licence: Licence, key: PublicKey) -> None:
    """Add a signed licence to its key's log. Raises `StorageError`."""
    append_line(issue_log_path(key_path), canonical({"key": key.id, "licence": licence.to_json()}))
