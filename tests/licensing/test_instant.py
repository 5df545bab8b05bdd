from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from senseid_licensing.errors import FormatError
from senseid_licensing.instant import format_instant, parse_instant, whole_second


def test_a_time_reads_as_utc_and_writes_the_same() -> None:
    moment = parse_instant("2026-11-24T10:00:00Z")
    assert moment == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert format_instant(moment) == "2026-11-24T10:00:00Z"


def test_other_zones_are_written_as_utc_and_fractions_fall_away() -> None:
    tokyo = datetime(2026, 11, 24, 19, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=9)))
    assert format_instant(tokyo) == "2026-11-24T10:00:00Z"
    assert whole_second(tokyo) == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24", "2026-11-24T10:00:00", "2026-11-24T10:00:00+00:00",
     "1999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2026-11-24T10:00:00Z\n", "٢٠٢٦-11-24T10:00:00Z"],
)  # fmt: skip
def test_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="is not a time of the form"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-02-30", "2026-11-24T25:00:00Z"])
def test_a_day_or_hour_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="there is no such day"):
        parse_instant(text)
