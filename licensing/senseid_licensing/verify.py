"""Verification: bytes of a licence file in, a `VerifiedLicence` out, or an error with the reason.

Pure: the time, the machine, the version, the platform and the trust roots are passed in.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from senseid_licensing.chain import check_narrower, link
from senseid_licensing.clock import SLACK, check_plausible
from senseid_licensing.errors import (
    ChainError,
    ClockError,
    ExpiredError,
    NotYetValidError,
    PlatformError,
    ProductError,
    RevokedError,
    SignatureError,
    UdidMismatchError,
    UntrustedKeyError,
    VersionMismatchError,
)
from senseid_licensing.instant import format_instant, whole_second
from senseid_licensing.licence import parse_licence_file, signed_bytes
from senseid_licensing.public_key import PublicKey
from senseid_licensing.verified import SEAL, VerifiedLicence

if TYPE_CHECKING:
    from datetime import datetime

    from senseid_licensing.licence import Licence, SignedLicence
    from senseid_licensing.product import Product
    from senseid_licensing.trust import TrustRoots
    from senseid_licensing.udid.fingerprint import Fingerprint

_RENEW = "renew it: ask your vendor, or run `senseid license quickstart` if you are your own"


def verify(
    data: bytes,
    *,
    product: Product,
    machine: Fingerprint,
    now: datetime,
    version: str,
    platform: str,
    roots: TrustRoots,
) -> VerifiedLicence:
    """Check a licence file completely.

    Signatures are checked first: no content of a file is used before a trust root vouches for it.

    Args:
        data: the bytes of the file.
        product: the product that it must be for.
        machine: this machine.
        now: an aware datetime.
        version: this product's version.
        platform: this platform, by its name from `platform_name`.
        roots: the trust roots.

    Raises:
        LicensingError: the licence is refused; the subclass gives the reason. Nothing else is raised for any bytes.
    """
    chain = link(parse_licence_file(data))
    _check_signatures(chain, roots)
    for child, parent in pairwise(chain):
        check_narrower(child.licence, parent.licence)
    _check_revoked(chain, roots)
    leaf = chain[0].licence
    if leaf.product is not product:
        raise ProductError(
            f"the licence is for {leaf.product}, not for {product}",
            remedy=f"place it as {leaf.product}.lic: `senseid license install FILE` names it right",
        )
    if leaf.delegate is not None:
        raise ProductError(
            "the file lets its holder issue licences, it is none to use",
            remedy="issue a licence with it: `senseid license issue --parent FILE`",
        )
    check_plausible(now)
    second = whole_second(now)
    changed: set[str] = set()
    # A parent binds as strictly as its own terms, regardless of the child's tolerance.
    for link_ in chain:
        _check_time(link_.licence, second)
        _check_place(link_.licence, version, platform)
        changed.update(_check_machine(link_.licence, machine))
    return VerifiedLicence(
        product=leaf.product,
        licensee=leaf.licensee,
        id=leaf.id,
        issued=leaf.issued,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        capabilities=leaf.capabilities,
        verified_at=second,
        grace_until=_grace_until(leaf),
        root_key=chain[-1].key_id,
        changed=tuple(sorted(changed)),
        seal=SEAL,
    )


def _check_signatures(chain: tuple[SignedLicence, ...], roots: TrustRoots) -> None:
    top = chain[-1]
    if top.key_id not in roots.keys:
        raise UntrustedKeyError(
            f"the licence is signed by key {top.key_id}, which is not trusted here", remedy=roots.remedy
        )
    _check_signature(top, roots.keys[top.key_id])
    for child, parent in reversed(list(pairwise(chain))):
        if parent.licence.delegate is None:
            raise ChainError(
                f"the licence {parent.licence.id} has children and may not issue any",
                remedy="ask the issuer for a licence of their vendor",
            )
        _check_signature(child, PublicKey(parent.licence.delegate))


def _check_signature(signed: SignedLicence, key: PublicKey) -> None:
    if signed.key_id != key.id:
        raise SignatureError(
            f"the licence {signed.licence.id} is signed by key {signed.key_id}; its parent allows key {key.id}",
            remedy="ask your vendor for the file again",
        )
    key.verify(signed.signature, signed_bytes(signed.terms))


def _check_revoked(chain: tuple[SignedLicence, ...], roots: TrustRoots) -> None:
    for signed in chain:
        if signed.licence.id in roots.revoked:
            raise RevokedError(
                f"the licence {signed.licence.id} was withdrawn by its issuer", remedy="ask your vendor why"
            )


def _grace_until(licence: Licence) -> datetime:
    return licence.not_after + timedelta(days=licence.grace_days)


def _check_time(licence: Licence, second: datetime) -> None:
    # Its signature would be the newest for years, and no list made today could replace it.
    if licence.issued > second + SLACK:
        raise ClockError(
            f"the licence {licence.id} was issued at {format_instant(licence.issued)}; the clock shows"
            f" {format_instant(second)}",
            remedy="set the clock right: `date -u` shows it; if it is, the issuer's was not: ask for another licence"
            " (your own: `senseid license quickstart`)",
        )
    if second < licence.not_before:
        raise NotYetValidError(
            f"the licence is valid from {format_instant(licence.not_before)}; it is {format_instant(second)}",
            remedy="wait, or set the clock right: `date -u` shows it",
        )
    if second > _grace_until(licence):
        raise ExpiredError(
            f"the licence expired at {format_instant(licence.not_after)}; it is {format_instant(second)}", remedy=_RENEW
        )


def _check_place(licence: Licence, version: str, platform: str) -> None:
    if version not in licence.versions:
        raise VersionMismatchError(
            f"the licence covers versions {licence.versions}; this is {version}",
            remedy="install a version that it covers, or ask your vendor for a licence for this one",
        )
    if licence.platforms is not None and platform not in licence.platforms:
        raise PlatformError(
            f"the licence covers {', '.join(sorted(licence.platforms))}; this is {platform}",
            remedy="ask your vendor for a licence for this platform",
        )


def _check_machine(licence: Licence, machine: Fingerprint) -> tuple[str, ...]:
    if licence.udid is None:
        return ()
    # A machine without components gets its own error rather than a mismatch.
    machine.components  # noqa: B018
    match = machine.match(licence.udid)
    if not match.ok:
        same = ", ".join(match.same) or "nothing"
        raise UdidMismatchError(
            f"the licence is for another machine: {', '.join(match.changed)} differ ({same} the same)",
            remedy="run `senseid udid` here and send UDID.txt to your vendor for a new licence",
        )
    return match.changed
