"""The terms of a licence and the document that contains them. Reading checks no signature: `verify` does that.

A licence file is one JSON object: `licence` (the terms), `signature` (key id and Ed25519 signature over the terms'
canonical bytes) and `parents` (its parent licences, nearest first, in the same form without parents).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_licensing.capability import Capability
from senseid_licensing.document import Json, canonical, parse_document, pretty
from senseid_licensing.errors import ArgumentError, FormatError, KeyFileError, TooManyParentsError
from senseid_licensing.fields import Fields
from senseid_licensing.instant import format_instant
from senseid_licensing.platforms import check_platform
from senseid_licensing.product import Product
from senseid_licensing.public_key import PublicKey
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT = "senseid-licence/1"
MAX_PARENTS = 10
MAX_GRACE_DAYS = 90
# Prefix of the signed bytes, so that a signature of one type of document is never valid for another type.
_CONTEXT = b"senseid licence v1\0"
_KIND = re.compile(r"[a-z_]{2,24}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms, as read.

    Attributes:
        id: hexadecimal, unique for the issuer.
        product: the one product that it is for.
        licensee: who may use it. A child's is its parent's, or under it after a slash.
        issued: when it was signed, by the issuer's clock.
        not_before: first second.
        not_after: last second, included.
        grace_days: days after `not_after` in which it still works, with a warning.
        capabilities: what it allows.
        platforms: the platforms that it may run on; None is any.
        versions: product versions.
        udid: kind of component -> hash; None is any machine.
        parent: id of the licence that allows this one; None for a licence signed by a trust root.
        delegate: public key that may sign children of this licence; None for a licence to use.
    """

    id: str
    product: Product
    licensee: str
    issued: datetime
    not_before: datetime
    not_after: datetime
    grace_days: int
    capabilities: frozenset[Capability]
    platforms: frozenset[str] | None
    versions: VersionRange
    udid: Mapping[str, str] | None
    parent: str | None
    delegate: bytes | None

    def to_json(self) -> dict[str, Json]:
        """The object that is signed."""
        return {
            "format": FORMAT,
            "id": self.id,
            "product": self.product.value,
            "licensee": self.licensee,
            "issued": format_instant(self.issued),
            "not_before": format_instant(self.not_before),
            "not_after": format_instant(self.not_after),
            "grace_days": self.grace_days,
            "capabilities": [item.value for item in sorted(self.capabilities)],
            "platforms": None if self.platforms is None else [*sorted(self.platforms)],
            "versions": {"from": self.versions.first, "below": self.versions.below},
            "udid": None if self.udid is None else dict(self.udid),
            "parent": self.parent,
            "delegate": None if self.delegate is None else base64.b64encode(self.delegate).decode(),
            "critical": [],
        }


@dataclass(frozen=True, slots=True)
class SignedLicence:
    """Terms with a signature that was not checked yet.

    Attributes:
        terms: the signed terms as JSON, including fields that this release does not know.
        licence: the same, typed.
        key_id: the claimed signing key.
        signature: 64 bytes.
    """

    terms: Mapping[str, Json]
    licence: Licence
    key_id: str
    signature: bytes

    def to_json(self) -> dict[str, Json]:
        """The object in licence files."""
        signature: Json = {"key": self.key_id, "value": base64.b64encode(self.signature).decode()}
        return {"licence": dict(self.terms), "signature": signature}


@dataclass(frozen=True, slots=True)
class LicenceFile:
    """The content of one licence file.

    Attributes:
        leaf: the licence itself.
        parents: its parent licences, in the order of the file.
    """

    leaf: SignedLicence
    parents: tuple[SignedLicence, ...]

    def to_bytes(self) -> bytes:
        """The file."""
        return pretty({**self.leaf.to_json(), "parents": [parent.to_json() for parent in self.parents]})


def signed_bytes(terms: Mapping[str, Json]) -> bytes:
    """The bytes that a licence's signature is over."""
    return _CONTEXT + canonical(dict(terms))


def parse_licence_file(data: bytes) -> LicenceFile:
    """Read a licence file without trusting it.

    Raises:
        EmptyLicenceError, FormatError: the bytes are not a licence that this release can read.
        TooManyParentsError: it contains more than ten parents.
    """
    try:
        document = parse_document(data)
    except FormatError as error:
        raise FormatError(f"is not a licence: {error.message}", remedy=error.remedy) from None
    if "revocations" in document:
        raise FormatError(
            "is a revocation list, and no licence", remedy="copy it to license/revoked.json in the data directory"
        )
    fields = Fields(document, "the file")
    parents = fields.raw("parents")
    if not isinstance(parents, list):
        raise fields.refuse("parents", "a list")
    if len(parents) > MAX_PARENTS:
        raise TooManyParentsError(
            f"the licence stands on {len(parents)} parents; {MAX_PARENTS} are the most",
            remedy="ask for a licence from an issuer nearer to the vendor",
        )
    leaf = _signed(fields)
    above = []
    for parent in parents:
        inner = Fields(parent, "a parent")
        above.append(_signed(inner))
    return LicenceFile(leaf, tuple(above))


def _signed(fields: Fields) -> SignedLicence:
    terms = fields.inner("licence")
    licence = _licence(terms)
    signature = fields.inner("signature")
    key_id = signature.identity("key")
    value = signature.octets("value", 64)
    signature.finish()
    fields.finish()
    return SignedLicence(terms.value, licence, key_id, value)


def _licence(fields: Fields) -> Licence:
    if fields.raw("format") != FORMAT:
        raise FormatError(
            f"the licence is not in the format {FORMAT}", remedy="ask for a licence for this release, or update senseid"
        )
    try:
        licence = Licence(
            id=fields.identity("id"),
            product=_product(fields),
            licensee=fields.text("licensee"),
            issued=fields.instant("issued"),
            not_before=fields.instant("not_before"),
            not_after=fields.instant("not_after"),
            grace_days=fields.integer("grace_days", 0, MAX_GRACE_DAYS),
            capabilities=_capabilities(fields),
            platforms=_platforms(fields),
            versions=_versions(fields.inner("versions")),
            udid=_udid(fields),
            parent=None if fields.is_null("parent") else fields.identity("parent"),
            delegate=None if fields.is_null("delegate") else PublicKey(fields.octets("delegate", 32)).raw,
        )
    except (ArgumentError, KeyFileError) as error:
        raise FormatError(error.message, remedy="ask your vendor for the file again") from None
    if licence.not_after < licence.not_before:
        raise fields.refuse("not_after", "later than not_before")
    _refuse_unknown_critical(fields)
    return licence


def _refuse_unknown_critical(fields: Fields) -> None:
    """Refuse unknown fields that the issuer marked as critical; others may be ignored."""
    for name in fields.texts("critical"):
        if name in fields.unread:
            raise FormatError(
                f"the licence has a critical field {name!r} that this release does not know",
                remedy="update senseid, or ask for a licence for this release",
            )
        if name not in fields.value:
            raise fields.refuse("critical", f"right: it names a field {name!r} that is not there")


def _product(fields: Fields) -> Product:
    text = fields.text("product")
    if text not in set(Product):
        raise fields.refuse("product", f"one of {', '.join(Product)}")
    return Product(text)


def _capabilities(fields: Fields) -> frozenset[Capability]:
    texts = fields.texts("capabilities")
    known = set(Capability)
    # A capability of a later release has no effect here, and is harmless.
    return frozenset(Capability(text) for text in texts if text in known)


def _platforms(fields: Fields) -> frozenset[str] | None:
    if fields.is_null("platforms"):
        return None
    return frozenset(check_platform(text) for text in fields.texts("platforms"))


def _versions(fields: Fields) -> VersionRange:
    first = None if fields.is_null("from") else fields.text("from", 64)
    below = None if fields.is_null("below") else fields.text("below", 64)
    fields.finish()
    return VersionRange(first, below)


def _udid(fields: Fields) -> Mapping[str, str] | None:
    if fields.is_null("udid"):
        return None
    inner = fields.inner("udid")
    names = sorted(inner.value)
    if not 0 < len(names) <= 16 or not all(_KIND.fullmatch(name) for name in names):
        raise fields.refuse("udid", "null, or an object of 1 to 16 named components")
    return {name: inner.identity(name) for name in names}
