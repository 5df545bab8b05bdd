"""The revocation list: ids of licences that no longer count, signed by a trust root.

It reaches an offline machine as a file, beside the licences; `revocation_record` prevents a rollback to an older one.
It stops the honest holder of a revoked copy.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from senseid_licensing.clock import check_plausible
from senseid_licensing.document import Json, canonical, parse_document, pretty
from senseid_licensing.errors import ArgumentError, FormatError, UntrustedKeyError
from senseid_licensing.fields import Fields
from senseid_licensing.instant import format_instant, whole_second

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.public_key import PublicKey

FORMAT = "senseid-revocations/1"
# 64 KiB hold about this many.
MAX_IDS = 1500
_CONTEXT = b"senseid revocations v1\0"


@dataclass(frozen=True, slots=True)
class Revocations:
    """A list whose signature was not checked yet.

    Attributes:
        ids: the withdrawn licences.
        issued: when it was signed.
        key_id: the claimed signing key.
        signature: 64 bytes.
        signed: the bytes that the signature is over.
    """

    ids: frozenset[str]
    issued: datetime
    key_id: str
    signature: bytes
    signed: bytes

    def verify(self, keys: Mapping[str, PublicKey]) -> None:
        """Return if a trust root signed the list.

        Raises:
            UntrustedKeyError: the key is none of them.
            SignatureError: the signature does not hold.
        """
        if self.key_id not in keys:
            raise UntrustedKeyError(
                f"the revocation list is signed by key {self.key_id}, which is not trusted here",
                remedy="ask your vendor for the list again",
            )
        keys[self.key_id].verify(self.signature, self.signed)


def parse_revocations(data: bytes) -> Revocations:
    """Read a list without trusting it; raises `FormatError`."""
    fields = Fields(parse_document(data), "the revocation list")
    body = fields.inner("revocations")
    signature = fields.inner("signature")
    if body.raw("format") != FORMAT:
        raise body.refuse("format", f"{FORMAT!r}")
    ids = body.identities("ids", MAX_IDS)
    issued = body.instant("issued")
    key_id, value = signature.identity("key"), signature.octets("value", 64)
    for part in (fields, body, signature):
        part.finish()
    return Revocations(frozenset(ids), issued, key_id, value, _CONTEXT + canonical(body.value))


def revoke(ids: Sequence[str], key: PrivateKey, now: datetime, before: bytes | None) -> bytes:
    """Sign a new list: the ids, and those of the previous list.

    Args:
        ids: licences to withdraw.
        key: a trust root's key.
        now: an aware datetime.
        before: the previous list, which the same key must have signed; None for the first.

    Raises:
        ArgumentError: an id is invalid, there are too many, or another key signed the previous list.
        LicensingError: the previous list does not verify, or the clock is implausible.
    """
    check_plausible(now)
    known: frozenset[str] = frozenset()
    issued = whole_second(now)
    if before is not None:
        old = parse_revocations(before)
        if old.key_id != key.public.id:
            raise ArgumentError(
                f"the list so far is signed by key {old.key_id}, not by {key.public.id}",
                remedy="use that key, or make a new list with --out and give it all ids",
            )
        old.verify({key.public.id: key.public})
        known = old.ids
        # Later than the previous one, also within its second or after the clock was set back: the newest one counts.
        issued = max(issued, old.issued + timedelta(seconds=1))
    body: Json = {
        "format": FORMAT,
        "issued": format_instant(issued),
        "ids": [*sorted(known.union(id_.lower() for id_ in ids))],
    }
    signature: Json = {
        "key": key.public.id,
        "value": base64.b64encode(key.sign(_CONTEXT + canonical(body))).decode(),
    }
    data = pretty({"revocations": body, "signature": signature})
    try:
        parse_revocations(data)
    except FormatError as error:
        raise ArgumentError(error.message, remedy="give whole ids, as `senseid license issue` prints them") from None
    return data
