from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing import errors
from senseid_licensing.capability import Capability
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.product import Product
from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.verified import VerifiedLicence, VerifiedLicences, missing_licence
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey
    from tests.licensing.verify.conftest import Verifier


@pytest.mark.parametrize(
    ("version", "ok"), [("1.9", False), ("1.10", True), ("1.11", True), ("1.12", False), ("2", False)]
)
def test_versions(terms: Licence, root: PrivateKey, check: Verifier, version: str, ok: bool) -> None:
    data = issue(replace(terms, versions=VersionRange("1.10", "1.12")), root)
    if ok:
        check(data, version=version)
        return
    with pytest.raises(errors.VersionMismatchError, match=f"this is {version}") as caught:
        check(data, version=version)
    assert (caught.value.stid, caught.value.stid.text) == (-23, "STID_E_VERSION_MISMATCH")


def test_platforms(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    with pytest.raises(errors.PlatformError, match="covers linux-x86_64; this is macos-arm64") as caught:
        check(issue(terms, root), platform="macos-arm64")
    assert (caught.value.stid, caught.value.stid.text) == (-24, "STID_E_PLATFORM_NOTSUPPORTED")
    assert check(issue(replace(terms, platforms=None), root), platform="macos-arm64")
    with pytest.raises(errors.PlatformError):
        check(issue(replace(terms, platforms=frozenset()), root))


def test_product(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    with pytest.raises(errors.ProductError, match="for senseid_face, not for senseid_liveness") as caught:
        check(issue(terms, root), product=Product.LIVENESS)
    assert (caught.value.stid, caught.value.stid.text) == (-13, "STID_E_INVALID_AUTH")


def test_machine(terms: Licence, root: PrivateKey, check: Verifier, make_machine: Callable[..., Fingerprint]) -> None:
    data = issue(terms, root)
    one_changed = make_machine(cpu="epyc", board="h12", machine_id="m1", disk="new", nic="n1")
    assert check(data, machine=one_changed).changed == ("disk",)
    other = make_machine(cpu="epyc", board="h12", machine_id="m1", disk="new", nic="new")
    with pytest.raises(
        errors.UdidMismatchError, match=r"disk, nic differ \(board, cpu, machine_id the same\)"
    ) as caught:
        check(data, machine=other)
    assert (caught.value.stid, caught.value.stid.text) == (-16, "STID_E_UDID_MISMATCH")
    three = {kind: terms.udid[kind] for kind in ("cpu", "board", "disk")}
    assert check(issue(replace(terms, udid=three), root), machine=one_changed).changed == ("disk",)
    two = {kind: terms.udid[kind] for kind in ("cpu", "disk")}
    with pytest.raises(errors.UdidMismatchError, match=r"disk differ \(cpu the same\)"):
        check(issue(replace(terms, udid=two), root), machine=one_changed)
    with pytest.raises(errors.UdidMismatchError, match="nothing the same"):
        check(data, machine=make_machine(system="s"))


def test_a_machine_that_shows_nothing_is_said_to(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    with pytest.raises(errors.UdidError, match="no hardware") as caught:
        check(issue(terms, root), machine=Fingerprint(()))
    assert (caught.value.stid, caught.value.stid.text) == (-2146304001, "STID_E_GET_UDID_FAIL")
    assert check(issue(replace(terms, udid=None), root), machine=Fingerprint(()))


def test_capabilities(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    licence = check(issue(replace(terms, capabilities=frozenset({Capability.COMPARE})), root))
    licence.require(Capability.COMPARE)
    with pytest.raises(errors.CapabilityError, match="does not allow omni") as caught:
        licence.require(Capability.OMNI)
    assert (caught.value.stid, caught.value.stid.text) == (-2067857410, "STID_E_CAPABILITY_NOTSUPPORTED")


def test_a_set_of_licences_says_why_one_is_not_there(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    face = check(issue(replace(terms, capabilities=frozenset({Capability.COMPARE})), root))
    refused = errors.ExpiredError("too late", remedy="renew")
    licences = VerifiedLicences({Product.FACE: face}, {Product.LIVENESS: refused})
    assert licences.require(Product.FACE, Capability.COMPARE) is face
    assert licences.require(Product.FACE) is face
    with pytest.raises(errors.CapabilityError):
        licences.require(Product.FACE, Capability.BATCH)
    with pytest.raises(errors.ExpiredError, match="too late"):
        licences.require(Product.LIVENESS)
    with pytest.raises(errors.LicenceMissingError, match="no licence for senseid_kestrel") as caught:
        licences.require(Product.KESTREL)
    assert (caught.value.stid, caught.value.stid.text) == (-7, "STID_E_FILE_NOT_FOUND")
    assert str(missing_licence(Product.KESTREL)) == str(caught.value)


def test_a_good_licence_verifies(terms: Licence, root: PrivateKey, check: Verifier, now: datetime) -> None:
    licence = check(issue(terms, root))
    assert (licence.product, licence.licensee, licence.id) == (Product.FACE, "Acme", "a" * 32)
    assert (licence.not_before, licence.not_after) == (now, now + timedelta(days=30))
    assert licence.capabilities == frozenset(Capability)
    assert (licence.days_left, licence.in_grace, licence.changed) == (30, False, ())


def test_the_object_cannot_be_had_without_verifying(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    licence = check(issue(terms, root))
    fields = {field.name: getattr(licence, field.name) for field in dataclasses.fields(licence)}
    with pytest.raises(TypeError, match="seal"):
        VerifiedLicence(**fields)
    with pytest.raises(TypeError, match=r"verify\(\) only"):
        VerifiedLicence(**fields, seal=object())
    with pytest.raises((TypeError, ValueError), match="seal"):
        replace(licence, not_after=datetime.max.replace(tzinfo=UTC))
    with pytest.raises(dataclasses.FrozenInstanceError):
        licence.licensee = "Eve"
    for escape in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError, match="not copied or stored"):
            escape(licence)
