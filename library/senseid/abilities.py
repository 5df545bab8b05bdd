"""The commands that work here, and what keeps each of the others from working."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_licensing.capability import Capability
from senseid_licensing.errors import LicensingError
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from senseid_licensing.verified import VerifiedLicences


@dataclass(frozen=True, slots=True)
class Ability:
    """One command.

    Attributes:
        command: the name of the command.
        lacks: the reasons why it does not work, as text; empty if it works.
    """

    command: str
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Needs:
    """Requirements of a command: products that must allow it, and others whose models it opens."""

    allowed_by: tuple[Product, ...]
    others: tuple[Product, ...] = ()


_NEEDS = {
    Capability.COMPARE: _Needs((Product.FACE,), (Product.KESTREL,)),
    Capability.OMNI: _Needs((Product.FACE,), (Product.KESTREL,)),
    Capability.QUALITY: _Needs((Product.KESTREL,)),
    Capability.LIVENESS: _Needs((Product.LIVENESS,), (Product.KESTREL,)),
    Capability.VERIFY: _Needs((Product.FACE, Product.LIVENESS), (Product.KESTREL,)),
}
# These run the other commands many times or for other people: one product that allows them is enough to start.
_EXTRAS = {Capability.BATCH: None, Capability.SERVE: "serve"}


def nothing_works(licences: VerifiedLicences) -> bool:
    """Whether the licences of this run block every command that reads a photo or a video."""
    return all(any(_lacks(capability, needs, licences, ())) for capability, needs in _NEEDS.items())


def abilities(
    licences: VerifiedLicences, *, broken: Collection[str], absent_extras: Collection[str]
) -> tuple[Ability, ...]:
    """List what works, in the order of the licence's capabilities.

    Args:
        licences: the licences of this run.
        broken: products one of whose models cannot be used.
        absent_extras: extras that are not installed.
    """
    found = [
        Ability(capability.value, tuple(_lacks(capability, needs, licences, broken)))
        for capability, needs in _NEEDS.items()
    ]
    for capability, extra in _EXTRAS.items():
        allowed = any(capability in licence.capabilities for licence in licences.licences.values())
        lacks = [] if allowed else [f"a licence that allows {capability}"]
        lacks += [f"the extra {extra}"] if extra in absent_extras else []
        found.append(Ability(capability.value, tuple(lacks)))
    return tuple(found)


def _lacks(capability: Capability, needs: _Needs, licences: VerifiedLicences, broken: Collection[str]) -> Iterator[str]:
    for product in (*needs.allowed_by, *needs.others):
        try:
            licences.require(product, capability if product in needs.allowed_by else None)
        except LicensingError as error:
            yield f"{product} ({error.stid.text})"
        if product in broken:
            yield f"a model of {product}"
