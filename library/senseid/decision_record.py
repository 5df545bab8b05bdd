"""Records of the decision log and their chain; docs/formats/decision-log.md."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_crypto.key import Key

FORMAT: Final = 1
NO_HASH: Final = "0" * 64
"""The hash that the first record of a chain names as that of the record before it."""

_SEAL_CONTEXT: Final = b"senseid decision log v1"


class RecordError(ValueError):
    """A line of a decision log is not a record, or not the one that was written. The text says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """The place of a record in its chain.

    Attributes:
        number: records are numbered from 0 on, without gaps.
        hash: SHA-256 of the record, 64 hex digits.
    """

    number: int
    hash: str


START: Final = Link(-1, NO_HASH)
"""The link before the first record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Attributes:
        link: its place.
        previous: the hash that it names as that of the record before it.
        event: what it is about.
        facts: all fields, as they stand in the file.
        key: id of the key that sealed it; None if none did.
    """

    link: Link
    previous: str
    event: str
    facts: Mapping[str, Any]
    key: str | None

    @property
    def is_anchor(self) -> bool:
        """Whether it stands for records that were purged. Its number and `previous` are those of the last of them."""
        return self.event == "anchor"

    def follows(self, before: Link) -> bool:
        """Whether it is the one after that link."""
        return self.link.number == before.number + 1 and self.previous == before.hash

    @property
    def passed_on(self) -> Link:
        """The link that the next record must follow."""
        return Link(self.link.number, self.previous) if self.is_anchor else self.link


def write_record(facts: Mapping[str, Any], before: Link, key: Key | None) -> tuple[bytes, Link]:
    """The line of a record, and its link.

    Args:
        facts: what it says, with `event` and `time`.
        before: the record before it.
        key: seals it, so that only who has the key can write the chain anew; None leaves it out.
    """
    from senseid_licensing.document import canonical

    record = {**facts, "n": before.number + 1, "previous": before.hash}
    if key is not None:
        record["key"] = key.id
    digest = hashlib.sha256(canonical(record)).digest()
    record["hash"] = digest.hex()
    if key is not None:
        record["seal"] = _seal(key, digest)
    return canonical(record) + b"\n", Link(before.number + 1, digest.hex())


def read_record(line: bytes) -> Record:
    """Read a line, without its end, and check it against its own hash.

    Raises:
        RecordError: it is not a record, or was changed.
    """
    from senseid_licensing.document import canonical
    from senseid_licensing.errors import FormatError

    try:
        found = json.loads(line)
        # To the byte: a second field of the same name, say, would show one reader this and another that.
        is_canonical = isinstance(found, dict) and canonical(found) == line
    except (ValueError, RecursionError, FormatError):
        is_canonical = False
    if not is_canonical:
        raise RecordError("it is not a record in its canonical form")
    facts = {name: value for name, value in found.items() if name not in {"hash", "seal"}}
    number, previous, event, key = (facts.get(name) for name in ("n", "previous", "event", "key"))
    if not (isinstance(number, int) and isinstance(previous, str) and isinstance(event, str)):
        raise RecordError("it has no number, no event, or no hash of the record before it")
    if not isinstance(key, str | None):
        raise RecordError("the key that it names is none")
    digest = hashlib.sha256(canonical(facts)).hexdigest()
    if found.get("hash") != digest:
        raise RecordError("it was changed: its hash is another one")
    return Record(Link(number, digest), previous, event, found, key)


def check_seal(record: Record, key: Key) -> None:
    """Return if that key sealed the record.

    Raises:
        RecordError: it did not.
    """
    if record.key is None:
        raise RecordError("it carries no seal")
    if record.key != key.id:
        raise RecordError(f"it is sealed with the key {record.key}, and not with {key.id}")
    seal = record.facts.get("seal")
    right = _seal(key, bytes.fromhex(record.link.hash))
    if not isinstance(seal, str) or not hmac.compare_digest(seal.encode(), right.encode()):
        raise RecordError("its seal is not that of the key")


def _seal(key: Key, digest: bytes) -> str:
    """HMAC-SHA-256 under a key of its own, which is derived from that of the media."""
    own = hmac.digest(key.secret, _SEAL_CONTEXT, hashlib.sha256)
    return hmac.digest(own, digest, hashlib.sha256).hex()
