"""Licences and the clock that they are checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_cli.commands.license import facts
from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_licensing.clock import check_plausible
from senseid_licensing.errors import ClockError
from senseid_licensing.instant import format_instant
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from datetime import datetime

    from senseid_licensing.verified import VerifiedLicences


def check_licences(licences: VerifiedLicences, *, needed: bool) -> list[Finding]:
    """One finding a product.

    Args:
        licences: the licences of this run.
        needed: whether this installation looks at photos itself; the role `api` does not.
    """
    found = []
    for product in Product:
        told = facts(product, licences)
        check, remedy = f"licence {product}", str(told["remedy"])
        if told["status"] == "missing" and not needed:
            found.append(note(check, "none installed", remedy))
        elif told["status"] in ("missing", "refused"):
            found.append(problem(check, f"{told['error']} ({told['value']}): {told['message']}", remedy))
        elif remedy:
            found.append(note(check, f"{told['status']}, until {told['not_after']}", remedy))
        else:
            found.append(ok(check, f"until {told['not_after']} ({told['days_left']} days), {told['message']}"))
    return found


def check_clock(licences: VerifiedLicences, now: datetime) -> Finding:
    """Whether the clock can be right, and shows no earlier time than one that was already seen."""
    try:
        check_plausible(now)
    except ClockError as wrong:
        return problem("clock", wrong.message, wrong.remedy)
    shown = f"it is {format_instant(now)}"
    for error in licences.failures.values():
        if isinstance(error, ClockError):
            return problem("clock", error.message, error.remedy)
    if not licences.licences:
        return ok("clock", f"{shown}; there is no licence to compare that with")
    return ok("clock", f"{shown}, not before the latest time seen")
