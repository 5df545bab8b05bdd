"""A vendor's request: the terms of licences, most of them optional."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from senseid_licensing.capability import Capability
from senseid_licensing.chain import same_or_under
from senseid_licensing.errors import ArgumentError
from senseid_licensing.instant import format_instant
from senseid_licensing.licence import Licence
from senseid_licensing.platforms import check_platform
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from senseid_licensing.licence import LicenceFile
    from senseid_licensing.public_key import PublicKey


@dataclass(frozen=True, slots=True)
class LicenceRequest:
    """Terms of one licence per product. Open terms default to those of the parent, or to everything without one.

    Attributes:
        licensee: who may use them. Under a parent it may be left open, and a name that is not under the parent's is
            put there: `Shop` under `Acme` becomes `Acme/Shop`.
        not_before: first second.
        not_after: last second, included; None: that of the parent. Without a parent it must be given.
        products: the products; empty: that of the parent, or all.
        grace_days: days after `not_after` in which they still work.
        capabilities: the allowed capabilities; empty: left open.
        platforms: the allowed platforms; empty: left open.
        from_version: first version covered; None: left open.
        below_version: first version not covered; None: left open.
        udid: kind of component -> hash, to which those of the parent are added; None: the parent's, or any machine.
        delegate: public key that may sign their children; None for licences to use.
    """

    licensee: str | None
    not_before: datetime
    not_after: datetime | None
    products: tuple[Product, ...] = ()
    grace_days: int = 0
    capabilities: frozenset[Capability] = field(default=frozenset())
    platforms: frozenset[str] = field(default=frozenset())
    from_version: str | None = None
    below_version: str | None = None
    udid: Mapping[str, str] | None = None
    delegate: PublicKey | None = None

    def licences(
        self, parent: LicenceFile | None, *, now: datetime, entropy: Callable[[int], bytes]
    ) -> tuple[Licence, ...]:
        """Make the terms to sign, one per product.

        Args:
            parent: their parent licence; None under a trust root.
            now: when they are issued.
            entropy: gives that many random bytes.

        Raises:
            ArgumentError: a platform or a version is invalid, it ends before it begins, or there is no parent and no
                licensee or no end.
        """
        above = None if parent is None else parent.leaf.licence
        licensee, not_after = self._licensee(above), self.not_after or (None if above is None else above.not_after)
        if licensee is None or not_after is None:
            raise ArgumentError(
                "a licence that stands on no other needs a licensee and an end", remedy="say both, or name the parent"
            )
        if not_after < self.not_before:
            raise ArgumentError(
                f"it would end at {format_instant(not_after)}, before it begins at {format_instant(self.not_before)}",
                remedy="give a later end",
            )
        bounds = VersionRange() if above is None else above.versions
        versions = VersionRange(
            bounds.first if self.from_version is None else self.from_version,
            bounds.below if self.below_version is None else self.below_version,
        )
        platforms = None if above is None else above.platforms
        if self.platforms:
            platforms = frozenset(map(check_platform, self.platforms))
        udid = self.udid
        if above is not None and above.udid is not None:
            udid = {**above.udid, **(udid or {})}
        return tuple(
            Licence(
                id=entropy(16).hex(),
                product=product,
                licensee=licensee,
                issued=now,
                not_before=self.not_before,
                not_after=not_after,
                grace_days=self.grace_days,
                capabilities=self.capabilities or (frozenset(Capability) if above is None else above.capabilities),
                platforms=platforms,
                versions=versions,
                udid=udid,
                parent=None,
                delegate=None if self.delegate is None else self.delegate.raw,
            )
            for product in self.products or (tuple(Product) if above is None else (above.product,))
        )

    def _licensee(self, above: Licence | None) -> str | None:
        if above is None or self.licensee is None:
            return self.licensee if above is None else above.licensee
        return self.licensee if same_or_under(self.licensee, above.licensee) else f"{above.licensee}/{self.licensee}"
