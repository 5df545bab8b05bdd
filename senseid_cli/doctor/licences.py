"""Licences and the clock that they are checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_cli.licence_state import LicenceState
from senseid_licensing.clock import check_plausible
from senseid_licensing.errors import ClockError
from senseid_licensing.instant import format_instant
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from datetime import datetime

    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences


def check_licences(licences: VerifiedLicences, store: LicenceStore, *, needed: bool) -> list[Finding]:
    """Report one finding per product.

    Args:
        licences: the licences of this run.
        store: where they are.
        needed: whether this installation processes photos itself; the role `api` does not.
    """
    found = []
    for product in Product:
        state = LicenceState.of(product, licences, store)
        check, licence = f"licence {product}", state.licence
        if licence is None:
            if state.status == "missing" and not needed:
                found.append(note(check, "none installed", state.remedy))
            else:
                found.append(problem(check, state.summary, state.remedy))
            continue
        until = format_instant(licence.not_after)
        if state.remedy:
            found.append(note(check, f"{state.status}, until {until}", state.remedy))
        else:
            found.append(ok(check, f"until {until} ({licence.days_left} days), {state.message}"))
    return found


def check_clock(licences: VerifiedLicences, now: datetime) -> Finding:
    """Check that the clock is plausible, and not earlier than a time that was already seen."""
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
