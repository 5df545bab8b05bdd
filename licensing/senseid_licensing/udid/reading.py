"""Readings of a probe: one `Reading` per kind, hashed at once, so that no serial goes further."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Changing it makes every licence ever issued unusable.
_SALT = b"senseid udid v1\0"


class Kind(StrEnum):
    """A kind of component."""

    CPU = "cpu"
    BOARD = "board"
    SYSTEM = "system"
    MACHINE_ID = "machine_id"
    DISK = "disk"
    NIC = "nic"


@dataclass(frozen=True, slots=True)
class Reading:
    """One kind of component of one machine.

    Attributes:
        kind: the kind of component.
        hashes: salted hashes, 32 hexadecimal digits each; the one that the UDID counts comes first, others of the
            same kind (a second disk) after it. Empty: missing.
        source: where it was read.
        note: why it is missing, or a remark about it; may be empty.
        unique: whether the first is expected to differ from every other machine's.
    """

    kind: Kind
    hashes: tuple[str, ...]
    source: str
    note: str = ""
    unique: bool = False


def component_hash(kind: Kind, value: str) -> str:
    """The salted hash of a raw value; case and blanks around it do not matter."""
    return hashlib.sha256(_SALT + kind.encode() + b"\0" + value.strip().lower().encode()).hexdigest()[:32]


def present(kind: Kind, values: Sequence[str], source: str, *, unique: bool, note: str = "") -> Reading:
    """A reading of raw values, the counted one first."""
    hashes = tuple(dict.fromkeys(component_hash(kind, value) for value in values))
    return Reading(kind, hashes, source, note, unique)


def missing(kind: Kind, source: str, why: str) -> Reading:
    """A reading of a component that is missing, or may not count."""
    return Reading(kind, (), source, why)
