from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_licensing.capability import Capability
from senseid_licensing.chain import check_narrower
from senseid_licensing.errors import ArgumentError
from senseid_licensing.issue import issue
from senseid_licensing.licence import LicenceFile, SignedLicence, parse_licence_file
from senseid_licensing.licence_request import LicenceRequest
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey


@pytest.fixture
def request_(now: datetime) -> LicenceRequest:
    return LicenceRequest("Acme", now, now + timedelta(days=1))


@pytest.fixture
def parent(terms: Licence, root: PrivateKey, make_key: Callable[[str], PrivateKey]) -> LicenceFile:
    narrow = replace(terms, capabilities=frozenset({Capability.OMNI}), delegate=make_key("reseller").public.raw)
    return parse_licence_file(issue(narrow, root))


def test_without_a_parent_everything_is_allowed(request_: LicenceRequest, now: datetime) -> None:
    licences = request_.licences(None, now=now, entropy=bytes)
    assert [licence.product for licence in licences] == list(Product)
    for licence in licences:
        assert (licence.capabilities, licence.platforms) == (frozenset(Capability), None)
        assert (licence.versions, licence.udid, licence.delegate) == (VersionRange(), None, None)
        assert (licence.issued, licence.not_before, licence.id) == (now, now, "0" * 32)


def test_what_is_left_open_is_what_the_parent_allows(
    request_: LicenceRequest, parent: LicenceFile, now: datetime
) -> None:
    (licence,) = request_.licences(parent, now=now, entropy=bytes)
    above = parent.leaf.licence
    assert (licence.product, licence.capabilities) == (above.product, above.capabilities)
    assert (licence.platforms, licence.versions) == (above.platforms, above.versions)


def test_what_is_said_goes_before_the_parent(
    request_: LicenceRequest, parent: LicenceFile, now: datetime, make_key: Callable[[str], PrivateKey]
) -> None:
    key = make_key("child").public
    said = replace(
        request_,
        products=(Product.KESTREL,),
        capabilities=frozenset({Capability.QUALITY}),
        platforms=frozenset({"linux-aarch64"}),
        from_version="1.1",
        below_version="1.2",
        udid={"nic": "00"},
        delegate=key,
        grace_days=3,
    )
    (licence,) = said.licences(parent, now=now, entropy=bytes)
    assert (licence.product, licence.capabilities) == (Product.KESTREL, frozenset({Capability.QUALITY}))
    assert (licence.platforms, licence.versions) == (frozenset({"linux-aarch64"}), VersionRange("1.1", "1.2"))
    assert (licence.delegate, licence.grace_days) == (key.raw, 3)
    # What the parent is bound to beside that stays: without it, the licence would be refused.
    assert licence.udid == {**(parent.leaf.licence.udid or {}), "nic": "00"}


def test_what_is_left_open_is_the_parents(request_: LicenceRequest, parent: LicenceFile, now: datetime) -> None:
    (licence,) = replace(request_, licensee=None, not_after=None).licences(parent, now=now, entropy=bytes)
    above = parent.leaf.licence
    assert (licence.licensee, licence.not_after, licence.udid) == (above.licensee, above.not_after, above.udid)
    check_narrower(licence, above)


@given(st.text(min_size=1, max_size=20))
def test_any_licensee_is_put_under_the_parents(name: str) -> None:
    now = datetime(2026, 11, 24, 10, tzinfo=UTC)
    above, *_ = LicenceRequest("Acme", now, now).licences(None, now=now, entropy=bytes)
    parent = LicenceFile(SignedLicence({}, above, "0" * 16, bytes(64)), ())
    (licence,) = LicenceRequest(name, now, None).licences(parent, now=now, entropy=bytes)
    assert licence.licensee in {name, f"Acme/{name}"}
    check_narrower(licence, above)


@pytest.mark.parametrize("open_term", ["licensee", "not_after"])
def test_without_a_parent_some_terms_are_needed(request_: LicenceRequest, now: datetime, open_term: str) -> None:
    with pytest.raises(ArgumentError, match="needs a licensee and an end"):
        replace(request_, **{open_term: None}).licences(None, now=now, entropy=bytes)  # type: ignore[arg-type]


def test_no_licence_ends_before_it_begins(request_: LicenceRequest, now: datetime) -> None:
    ended = replace(request_, not_before=now, not_after=now - timedelta(seconds=1))
    with pytest.raises(ArgumentError, match="before it begins"):
        ended.licences(None, now=now, entropy=bytes)
    replace(ended, not_after=now).licences(None, now=now, entropy=bytes)


def test_a_platform_that_is_none(request_: LicenceRequest, now: datetime) -> None:
    with pytest.raises(ArgumentError, match="platform"):
        replace(request_, platforms=frozenset({"toaster"})).licences(None, now=now, entropy=bytes)
