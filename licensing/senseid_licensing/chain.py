"""The chain from a licence up to the one that a trust root signed, and the rule that a child may only narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.errors import ChainError, FormatError, ParentMissingError, WideningError
from senseid_licensing.instant import format_instant

if TYPE_CHECKING:
    from senseid_licensing.licence import Licence, LicenceFile, SignedLicence

_REMEDY = "ask the issuer for a licence within its own"


def link(file: LicenceFile) -> tuple[SignedLicence, ...]:
    """Return the licence and its parents, nearest first, the one without a parent last.

    Raises:
        ParentMissingError: a named parent is not in the file.
        ChainError: the parents form a cycle.
        FormatError: the file holds licences that are not part of the chain, or one twice.
    """
    by_id = {parent.licence.id: parent for parent in file.parents}
    if len(by_id) != len(file.parents):
        raise FormatError("the file holds a parent twice", remedy=_REMEDY)
    chain = [file.leaf]
    seen = {file.leaf.licence.id}
    while (wanted := chain[-1].licence.parent) is not None:
        if wanted in seen:
            raise ChainError(f"the parents run in a circle at {wanted}", remedy=_REMEDY)
        if wanted not in by_id:
            raise ParentMissingError(
                f"the licence {chain[-1].licence.id} needs its parent {wanted}, which the file does not hold",
                remedy="ask the issuer for the whole file, parents included",
            )
        chain.append(by_id[wanted])
        seen.add(wanted)
    if len(chain) != len(file.parents) + 1:
        raise FormatError("the file holds a parent that is not part of the chain", remedy=_REMEDY)
    return tuple(chain)


def check_narrower(child: Licence, parent: Licence) -> None:
    """Raise `WideningError`, with the field, if the child allows anything that its parent does not."""
    for field, wider in _widenings(child, parent):
        if wider:
            raise WideningError(
                f"the licence {child.id} allows more than its parent {parent.id}: {field}", remedy=_REMEDY
            )


def _widenings(child: Licence, parent: Licence) -> list[tuple[str, bool]]:
    return [
        (f"product {child.product}", child.product is not parent.product),
        (f"licensee {child.licensee!r}", not same_or_under(child.licensee, parent.licensee)),
        (f"valid from {format_instant(child.not_before)}", child.not_before < parent.not_before),
        (f"valid until {format_instant(child.not_after)}", child.not_after > parent.not_after),
        (f"{child.grace_days} days of grace", child.grace_days > parent.grace_days),
        ("capabilities", not child.capabilities <= parent.capabilities),
        ("platforms", parent.platforms is not None and not (child.platforms or {"any"}) <= parent.platforms),
        (f"versions {child.versions}", not child.versions.within(parent.versions)),
        ("machines", parent.udid is not None and not parent.udid.items() <= (child.udid or {}).items()),
    ]


def same_or_under(child: str, parent: str) -> bool:
    """Whether one licensee is another, or named under it after a slash."""
    return child == parent or child.startswith(parent + "/")
