"""Points in time in licences: whole seconds of UTC, `2026-11-24T10:00:00Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from senseid_licensing.errors import FormatError

# Years 2000 to 2999: adding a grace period can then never leave the calendar.
_FORM = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", re.ASCII)
_OTHER_FORM = "is not a time of the form 2026-11-24T10:00:00Z"


def parse_instant(text: str) -> datetime:
    """Read `YYYY-MM-DDTHH:MM:SSZ`; raises `FormatError` for any other form or an impossible date."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise _refusal(text, _OTHER_FORM)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refusal(text, "is not a time, since there is no such day or time of day") from None
    if form[1] is None:
        raise _refusal(text, _OTHER_FORM)
    return moment


def format_instant(moment: datetime) -> str:
    """Write an aware datetime as whole seconds of UTC."""
    return whole_second(moment).isoformat().removesuffix("+00:00") + "Z"


def whole_second(moment: datetime) -> datetime:
    """Truncate an aware datetime to a second of UTC: licences begin and end with whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _refusal(text: str, problem: str) -> FormatError:
    return FormatError(f"{text[:40]!r} {problem}", remedy="ask your vendor for the file again")
