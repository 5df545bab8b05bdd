"""The state of each product's licence, for `license check` and `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid.stids import in_words
from senseid_licensing.errors import LicenceMissingError, Stid
from senseid_licensing.instant import format_instant
from senseid_licensing.store import install_command

if TYPE_CHECKING:
    from senseid.command_shapes import CheckedLicence
    from senseid_licensing.product import Product
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicence, VerifiedLicences

_SOON = 14
"""Days before its end at which a licence should be renewed."""


@dataclass(frozen=True, slots=True)
class LicenceState:
    """The licence of one product.

    Attributes:
        product: the product of the licence.
        status: `ok`, `expiring`, `grace`, `refused` or `missing`.
        error: number and name of the error; `OK` if there is none.
        message: the error or the licensee, in one line.
        remedy: what to do; empty if nothing.
        licence: the verified one, if there is one.
    """

    product: Product
    status: str
    error: Stid
    message: str
    remedy: str
    licence: VerifiedLicence | None = None

    @classmethod
    def of(cls, product: Product, licences: VerifiedLicences, store: LicenceStore) -> LicenceState:
        """The state of the licence of one product.

        Args:
            product: the product.
            licences: the licences of this run.
            store: where they are, and where a renewal may lie under another name.
        """
        licence = licences.licences.get(product)
        if licence is None:
            error = licences.failures[product]
            status = "missing" if isinstance(error, LicenceMissingError) else "refused"
            return cls(product, status, error.stid, error.message, error.remedy)
        status, remedy = "ok", ""
        if licence.in_grace:
            status, remedy = "grace", "renew it: it is in its grace period"
        elif licence.days_left < _SOON:
            status, remedy = "expiring", "ask your vendor for a new one (your own: `senseid license quickstart`)"
        elif licence.changed:
            changed = ", ".join(licence.changed)
            remedy = f"this machine's {changed} changed; a second change will make the licence invalid"
        if renewals := store.strays(product, after=licence.not_after):
            remedy = f"a licence that ends later lies there under another name, {install_command(renewals)}"
        return cls(product, status, Stid.OK, f"licensed to {licence.licensee}", remedy, licence)

    @property
    def summary(self) -> str:
        """One line with the remaining time or the error."""
        licence = self.licence
        if licence is None:
            return f"{in_words(self.error)}: {self.message}"
        until = format_instant(licence.not_after)
        if self.status == "grace":
            return f"expired at {until}, works until {format_instant(licence.grace_until)}, {self.message}"
        return f"{days_text(licence.days_left)} left, {self.message}"

    def body(self) -> CheckedLicence:
        """The facts that `--json` prints."""
        told: CheckedLicence = {
            "product": self.product.value,
            "status": self.status,
            "error": self.error.text,
            "value": self.error.value,
            "message": self.message,
            "remedy": self.remedy,
        }
        if self.licence is None:
            return told
        return {
            **told,
            "id": self.licence.id,
            "not_before": format_instant(self.licence.not_before),
            "not_after": format_instant(self.licence.not_after),
            "grace_until": format_instant(self.licence.grace_until),
            "days_left": self.licence.days_left,
            "capabilities": sorted(self.licence.capabilities),
            "hardware_changed": list(self.licence.changed),
        }


def days_text(days: int) -> str:
    """A number of days as text."""
    return f"{days} day" if days == 1 else f"{days} days"
