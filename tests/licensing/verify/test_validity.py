from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from senseid_licensing import errors
from senseid_licensing.errors import Stid
from senseid_licensing.issue import issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey
    from tests.licensing.verify.conftest import Verifier


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/St_Johns", "Pacific/Kiritimati"])
def _timezone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_timezone")
def test_a_licence_ends_with_its_second_under_any_tz(
    terms: Licence, root: PrivateKey, check: Verifier, now: datetime
) -> None:
    data = issue(terms, root)
    last = now + timedelta(days=30)
    assert check(data, now=last.astimezone()).days_left == 0
    assert check(data, now=last.astimezone(timezone(timedelta(hours=-11))) + timedelta(microseconds=999_999))
    with pytest.raises(
        errors.ExpiredError, match="expired at 2026-12-24T10:00:00Z; it is 2026-12-24T10:00:01Z"
    ) as caught:
        check(data, now=(last + timedelta(seconds=1)).astimezone())
    assert (caught.value.stid, caught.value.stid.text) == (-15, "STID_E_AUTH_EXPIRE")


@pytest.mark.usefixtures("_timezone")
def test_a_licence_begins_with_its_second_under_any_tz(
    terms: Licence, root: PrivateKey, check: Verifier, now: datetime
) -> None:
    data = issue(terms, root)
    assert check(data, now=now.astimezone())
    with pytest.raises(errors.NotYetValidError, match="valid from") as caught:
        check(data, now=now.astimezone() - timedelta(microseconds=1))
    assert caught.value.stid is Stid.AUTH_EXPIRE


def test_grace_warns_before_it_refuses(terms: Licence, root: PrivateKey, check: Verifier, now: datetime) -> None:
    data = issue(replace(terms, grace_days=7), root)
    end = terms.not_after
    assert not check(data, now=end).in_grace
    late = check(data, now=end + timedelta(seconds=1))
    assert (late.in_grace, late.days_left, late.grace_until) == (True, -1, end + timedelta(days=7))
    assert check(data, now=end + timedelta(days=7)).in_grace
    with pytest.raises(errors.ExpiredError):
        check(data, now=end + timedelta(days=7, seconds=1))
