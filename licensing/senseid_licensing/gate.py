"""The gate that every model stands behind: only what `verify` made opens it, and only under a root of this build.

Whoever can run Python here can change this package, too; what can be kept from them is said in docs/licensing.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.errors import UntrustedKeyError
from senseid_licensing.policy import PACKAGED_POLICY, load_policy
from senseid_licensing.verified import VerifiedLicence, VerifiedLicences

if TYPE_CHECKING:
    from senseid_licensing.product import Product


def admit(licences: VerifiedLicences, product: Product) -> VerifiedLicence:
    """The licence that opens the models of a product.

    Args:
        licences: of this run. Not anything else that has a method `require`, nor a subclass.
        product: whose models are to be opened.

    Raises:
        TypeError: something in them does not come from `verify`.
        UntrustedKeyError: this build accepts its vendor's licences only, and they were verified with other roots.
        LicensingError: see `VerifiedLicences.require`.
    """
    licence = VerifiedLicences.require(licences, product) if type(licences) is VerifiedLicences else None
    if type(licence) is not VerifiedLicence or licence.product is not product:
        raise TypeError("models open with licences that senseid_licensing verified, and with nothing else")
    policy = load_policy(PACKAGED_POLICY)
    if policy.trust == "embedded" and licence.root_key not in {key.id for key in policy.roots}:
        raise UntrustedKeyError(
            f"the licence stands on key {licence.root_key}, and this build accepts its vendor's licences only",
            remedy="ask your vendor for a licence for this build",
        )
    return licence
