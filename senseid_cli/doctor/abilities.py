"""Which commands work here, and what each of the others lacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_licensing.capability import Capability
from senseid_licensing.errors import LicensingError
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Collection

    from senseid_licensing.verified import VerifiedLicences


@dataclass(frozen=True, slots=True)
class Ability:
    """One command.

    Attributes:
        command: its name.
        lacks: what keeps it from working, in words; nothing if it works.
    """

    command: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a command asks for: the product that must allow it, others whose models it opens, and extras."""

    product: Product
    others: tuple[Product, ...] = ()
    extra: str | None = None


_NEEDS = {
    Capability.COMPARE: _Needs(Product.FACE, (Product.KESTREL,)),
    Capability.OMNI: _Needs(Product.FACE, (Product.KESTREL,)),
    Capability.QUALITY: _Needs(Product.KESTREL),
    Capability.LIVENESS: _Needs(Product.LIVENESS, (Product.KESTREL,)),
    Capability.VERIFY: _Needs(Product.LIVENESS, (Product.FACE, Product.KESTREL)),
    Capability.BATCH: _Needs(Product.FACE, (Product.KESTREL,)),
    Capability.SERVE: _Needs(Product.FACE, (Product.KESTREL,), extra="serve"),
}


def abilities(
    licences: VerifiedLicences, *, broken: Collection[str], absent_extras: Collection[str]
) -> tuple[Ability, ...]:
    """What works, in the order of the licence's capabilities.

    Args:
        licences: the licences of this run.
        broken: products one of whose models cannot be used.
        absent_extras: extras that are not installed.
    """
    return tuple(
        Ability(capability.value, tuple(_lacks(capability, needs, licences, broken, absent_extras)))
        for capability, needs in _NEEDS.items()
    )


def _lacks(
    capability: Capability,
    needs: _Needs,
    licences: VerifiedLicences,
    broken: Collection[str],
    absent_extras: Collection[str],
) -> list[str]:
    lacks = []
    for product in (needs.product, *needs.others):
        try:
            licences.require(product, capability if product is needs.product else None)
        except LicensingError as error:
            lacks.append(f"{product} ({error.stid.text})")
        if product in broken:
            lacks.append(f"a model of {product}")
    if needs.extra in absent_extras:
        lacks.append(f"the extra {needs.extra}")
    return lacks
