"""Verified licences. These objects are the proof: only `verify` makes them."""

from __future__ import annotations

from dataclasses import KW_ONLY, InitVar, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from senseid_licensing.errors import CapabilityError, LicenceMissingError, LicensingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from senseid_licensing.capability import Capability
    from senseid_licensing.product import Product

SEAL: Final = object()
"""Known to `verify` alone; a constructor call without it fails."""


@dataclass(frozen=True, slots=True)
class VerifiedLicence:
    """A licence whose signature, chain, time, machine, version and platform were all checked.

    Attributes:
        product: the product it is for.
        licensee: who may use it.
        id: the issuer's id.
        issued: when it was signed.
        not_before: first second, UTC.
        not_after: last second, UTC, included.
        capabilities: what it allows.
        verified_at: the time that it was checked against.
        grace_until: the last second in which it still works, with a warning.
        root_key: id of its trust root.
        changed: kinds of hardware that differ from what it is bound to, within what is tolerated.
    """

    product: Product
    licensee: str
    id: str
    issued: datetime
    not_before: datetime
    not_after: datetime
    capabilities: frozenset[Capability]
    verified_at: datetime
    grace_until: datetime
    root_key: str
    changed: tuple[str, ...]
    _: KW_ONLY
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not SEAL:
            raise TypeError("a VerifiedLicence comes from senseid_licensing.verify.verify() only")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a VerifiedLicence is not copied or stored: verify again")

    @property
    def days_left(self) -> int:
        """Whole days until `not_after`; negative in the grace period."""
        return (self.not_after - self.verified_at) // timedelta(days=1)

    @property
    def in_grace(self) -> bool:
        """Whether it has expired and works only until `grace_until`."""
        return self.verified_at > self.not_after

    def require(self, capability: Capability) -> None:
        """Return if the licence allows it, else raise `CapabilityError`."""
        if capability not in self.capabilities:
            raise CapabilityError(
                f"the licence for {self.product} of {self.licensee} does not allow {capability}",
                remedy="ask your vendor for a licence that does: `senseid license show` lists what this one allows",
            )


@dataclass(frozen=True, slots=True)
class VerifiedLicences:
    """The licences of one run: the verified ones, and the errors of the others.

    Attributes:
        licences: the verified ones.
        failures: the error of each product whose licence is missing or was refused. Where an older one is verified
            nevertheless, a process runs on with that: see `LicenceStore.verify_all`.
    """

    licences: Mapping[Product, VerifiedLicence]
    failures: Mapping[Product, LicensingError]

    def require(self, product: Product, capability: Capability | None = None) -> VerifiedLicence:
        """The verified licence of a product.

        Raises:
            LicensingError: the error of its verification; `LicenceMissingError` if there is none.
            CapabilityError: it does not allow the capability.
        """
        licence = self.licences.get(product)
        if licence is None:
            raise self.failures.get(product, missing_licence(product)).with_traceback(None)
        if capability is not None:
            licence.require(capability)
        return licence


def missing_licence(product: Product) -> LicenceMissingError:
    """The error for a product without a licence file."""
    return LicenceMissingError(
        f"there is no licence for {product}",
        remedy="install one with `senseid license install FILE`, or make your own: `senseid license quickstart`",
    )
