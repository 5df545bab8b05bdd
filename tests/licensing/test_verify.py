from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senseid_licensing import errors
from senseid_licensing.capability import Capability
from senseid_licensing.document import Json, canonical
from senseid_licensing.errors import LicensingError, Stid
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, LicenceFile, SignedLicence, parse_licence_file, signed_bytes
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.product import Product
from senseid_licensing.trust import TrustRoots
from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.verified import VerifiedLicence, VerifiedLicences, missing_licence
from senseid_licensing.version_range import VersionRange

Verifier = Callable[..., VerifiedLicence]
Keys = Callable[[str], PrivateKey]


def sign(terms: Licence, key: PrivateKey, *parents: SignedLicence) -> SignedLicence:
    """Signs whatever it is given: what no honest issuer would."""
    body = terms.to_json()
    return SignedLicence(body, terms, key.public.id, key.sign(signed_bytes(body)))


def file_of(*chain: SignedLicence) -> bytes:
    return LicenceFile(chain[0], chain[1:]).to_bytes()


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


# Validity: whole seconds of UTC, both ends included.


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


# What it is for.


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


# Signatures and trust.


def test_every_signed_field_is_signed(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    document = json.loads(issue(terms, root))
    changes: dict[str, Json] = {
        "id": "b" * 32,
        "product": "senseid_kestrel",
        "licensee": "Eve",
        "issued": "2026-11-24T10:00:01Z",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2036-01-01T00:00:00Z",
        "grace_days": 90,
        "capabilities": [],
        "platforms": None,
        "versions": {"from": None, "below": None},
        "udid": None,
        "delegate": document["signature"]["value"][:43] + "=",
        "critical": ["udid"],
        "comment": "not there before",
    }
    assert set(changes) | {"format", "parent"} == {*document["licence"], "comment"}
    for field, value in changes.items():
        changed = {**document, "licence": {**document["licence"], field: value}}
        with pytest.raises(errors.SignatureError, match="changed after signing") as caught:
            check(json.dumps(changed).encode())
        assert (caught.value.stid, caught.value.stid.text) == (-13, "STID_E_INVALID_AUTH")


def test_only_a_trust_root_counts(terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier) -> None:
    stranger = make_key("stranger")
    with pytest.raises(errors.UntrustedKeyError, match=f"key {stranger.public.id}, which is not trusted") as caught:
        check(issue(terms, stranger))
    assert caught.value.remedy == "trust the issuer"
    forged = replace(sign(terms, stranger), key_id=root.public.id)
    with pytest.raises(errors.SignatureError):
        check(file_of(forged))


def test_an_old_root_counts_while_both_are_trusted(
    terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier
) -> None:
    old = make_key("old root")
    both = TrustRoots({key.public.id: key.public for key in (root, old)}, frozenset(), "")
    assert check(issue(terms, old), roots=both)
    assert check(issue(terms, root), roots=both)


def test_a_signature_over_another_kind_of_document_is_none(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    body = terms.to_json()
    for context in (b"", b"senseid revocations v1\0"):
        signed = SignedLicence(body, terms, root.public.id, root.sign(context + canonical(body)))
        with pytest.raises(errors.SignatureError):
            check(file_of(signed))


def test_revoked(terms: Licence, root: PrivateKey, roots: TrustRoots, check: Verifier, make_chain: Any) -> None:
    revoked = replace(roots, revoked=frozenset({terms.id}))
    with pytest.raises(errors.RevokedError, match="withdrawn") as caught:
        check(issue(terms, root), roots=revoked)
    assert caught.value.stid is Stid.INVALID_AUTH
    with pytest.raises(errors.RevokedError, match=f"{1:032x}"):
        check(make_chain(3), roots=replace(roots, revoked=frozenset({f"{1:032x}"})))


# Chains.


@pytest.mark.parametrize("parents", [0, 1, 2, 10])
def test_up_to_ten_parents(make_chain: Callable[[int], bytes], check: Verifier, parents: int) -> None:
    data = make_chain(parents)
    assert len(parse_licence_file(data).parents) == parents
    assert check(data).id == "a" * 32


def test_eleven_parents_are_refused_when_issued_and_when_verified(
    make_chain: Callable[[int], bytes], terms: Licence, make_key: Keys, check: Verifier
) -> None:
    with pytest.raises(errors.TooManyParentsError, match="11 parents"):
        make_chain(11)
    ten = parse_licence_file(make_chain(10))
    eleventh = sign(replace(terms, id="e" * 32, parent=ten.leaf.licence.id), make_key("issuer 10"))
    with pytest.raises(errors.TooManyParentsError) as caught:
        check(file_of(eleventh, ten.leaf, *ten.parents))
    assert caught.value.stid == -2145517552
    assert caught.value.stid.text == "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY"


def test_the_order_of_the_parents_does_not_matter(make_chain: Callable[[int], bytes], check: Verifier) -> None:
    file = parse_licence_file(make_chain(3))
    assert check(LicenceFile(file.leaf, file.parents[::-1]).to_bytes())


def test_a_missing_parent(make_chain: Callable[[int], bytes], check: Verifier) -> None:
    file = parse_licence_file(make_chain(3))
    for index in range(3):
        rest = (*file.parents[:index], *file.parents[index + 1 :])
        with pytest.raises(errors.ParentMissingError, match="needs its parent") as caught:
            check(LicenceFile(file.leaf, rest).to_bytes())
        assert caught.value.stid == -2145517553
        assert caught.value.stid.text == "STID_E_ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND"


def test_a_cycle(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    delegate = root.public.raw
    first = sign(replace(terms, id="1" * 32, parent="2" * 32, delegate=delegate), root)
    second = sign(replace(terms, id="2" * 32, parent="1" * 32, delegate=delegate), root)
    leaf = sign(replace(terms, parent="1" * 32), root)
    with pytest.raises(errors.ChainError, match="in a circle") as caught:
        check(file_of(leaf, first, second))
    assert caught.value.stid is Stid.INVALID_AUTH
    own = sign(replace(terms, parent=terms.id), root)
    with pytest.raises(errors.ChainError, match="in a circle"):
        check(file_of(own))


def test_a_parent_twice_or_beside_the_chain(
    make_chain: Callable[[int], bytes], terms: Licence, root: PrivateKey, check: Verifier
) -> None:
    file = parse_licence_file(make_chain(2))
    with pytest.raises(errors.FormatError, match="a parent twice"):
        check(file_of(file.leaf, *file.parents, file.parents[0]))
    beside = sign(replace(terms, id="9" * 32), root)
    with pytest.raises(errors.FormatError, match="not part of the chain"):
        check(file_of(file.leaf, *file.parents, beside))


def test_a_key_swapped_in_mid_chain(terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier) -> None:
    issuer, thief = make_key("issuer"), make_key("thief")
    top = sign(replace(terms, id="1" * 32, delegate=issuer.public.raw), root)
    middle = sign(replace(terms, id="2" * 32, parent="1" * 32, delegate=thief.public.raw), thief)
    leaf = sign(replace(terms, parent="2" * 32), thief)
    with pytest.raises(errors.SignatureError, match=f"its parent allows key {issuer.public.id}"):
        check(file_of(leaf, middle, top))
    # The same with the right name on the wrong signature.
    with pytest.raises(errors.SignatureError, match="does not hold"):
        check(file_of(leaf, replace(middle, key_id=issuer.public.id), top))


def test_a_licence_to_use_is_no_licence_to_issue(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    top = sign(replace(terms, id="1" * 32), root)
    leaf = sign(replace(terms, parent="1" * 32), root)
    with pytest.raises(errors.ChainError, match="may not issue any"):
        check(file_of(leaf, top))


def test_a_licence_to_issue_is_no_licence_to_use(terms: Licence, root: PrivateKey, check: Verifier) -> None:
    with pytest.raises(errors.ProductError, match="none to use"):
        check(issue(replace(terms, delegate=root.public.raw), root))


def test_a_delegate_that_anybody_can_sign_for(
    terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier
) -> None:
    """The point of order 1 takes the signature R = B, S = 1 for every message, whoever writes it."""
    weak = bytes([1, *bytes(31)])
    base = bytes.fromhex("58" + "66" * 31)
    forged = base + (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(weak).verify(forged, b"any message")
    top = sign(replace(terms, id="1" * 32, delegate=weak), root)
    child = replace(terms, parent="1" * 32)
    identity = hashlib.sha256(weak).hexdigest()[:32]
    with pytest.raises(errors.FormatError, match="the public key is weak"):
        check(file_of(SignedLicence(child.to_json(), child, identity, forged), top))
    with pytest.raises(errors.ArgumentError, match="the public key is weak"):
        issue(replace(terms, delegate=weak), root)


SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

WIDENINGS: dict[str, Callable[[Licence], Licence]] = {
    "product": lambda terms: replace(terms, product=Product.KESTREL),
    "licensee": lambda terms: replace(terms, licensee="Acme Ltd"),
    "valid from": lambda terms: replace(terms, not_before=terms.not_before - SECOND),
    "valid until": lambda terms: replace(terms, not_after=terms.not_after + SECOND),
    "days of grace": lambda terms: replace(terms, grace_days=3),
    "capabilities": lambda terms: replace(terms, capabilities=frozenset(Capability)),
    "platforms": lambda terms: replace(terms, platforms=frozenset({"linux-x86_64", "macos-arm64"})),
    "platforms: any": lambda terms: replace(terms, platforms=None),
    "versions": lambda terms: replace(terms, versions=VersionRange("1.0", "2.0.1")),
    "versions: below": lambda terms: replace(terms, versions=VersionRange("1.0")),
    "versions: from": lambda terms: replace(terms, versions=VersionRange("0.9", "2")),
    "machines": lambda terms: replace(terms, udid={"cpu": "0" * 32}),
    "machines: fewer": lambda terms: replace(terms, udid=dict(list((terms.udid or {}).items())[1:])),
    "machines: any": lambda terms: replace(terms, udid=None),
}


@pytest.mark.parametrize("field", WIDENINGS)
def test_a_child_wider_than_its_parent(
    terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier, field: str
) -> None:
    issuer = make_key("issuer")
    terms = replace(terms, capabilities=frozenset({Capability.COMPARE}), grace_days=2)
    top = sign(replace(terms, id="1" * 32, delegate=issuer.public.raw), root)
    leaf = WIDENINGS[field](replace(terms, parent="1" * 32))
    with pytest.raises(errors.WideningError, match=field.split(":", maxsplit=1)[0]) as caught:
        check(file_of(sign(leaf, issuer), top))
    assert caught.value.stid is Stid.INVALID_AUTH
    with pytest.raises(errors.WideningError):
        issue(leaf, issuer, parse_licence_file(file_of(top)))


def test_a_child_may_narrow_everything(terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier) -> None:
    issuer = make_key("issuer")
    wide = replace(terms, id="1" * 32, delegate=issuer.public.raw, platforms=None, versions=VersionRange(), udid=None,
                   grace_days=9, not_before=terms.not_before - DAY, not_after=terms.not_after + DAY)  # fmt: skip
    narrow = replace(terms, licensee="Acme/Branch", capabilities=frozenset())
    licence = check(issue(narrow, issuer, parse_licence_file(issue(wide, root))))
    assert licence.licensee == "Acme/Branch"


def test_a_parents_binding_holds_as_strictly_as_it_says(
    terms: Licence, root: PrivateKey, make_key: Keys, check: Verifier, make_machine: Callable[..., Fingerprint]
) -> None:
    """A child bound to three components tolerates a change; its parent, bound to two of them, does not."""
    issuer = make_key("issuer")
    here = {kind: terms.udid[kind] for kind in ("cpu", "disk", "nic")}
    two = {kind: here[kind] for kind in ("cpu", "disk")}
    top = parse_licence_file(issue(replace(terms, id="1" * 32, udid=two, delegate=issuer.public.raw), root))
    data = issue(replace(terms, udid=here), issuer, top)
    assert check(data, machine=make_machine(cpu="epyc", disk="d1", nic="new")).changed == ("nic",)
    with pytest.raises(errors.UdidMismatchError):
        check(data, machine=make_machine(cpu="epyc", disk="new", nic="n1"))


def test_terms_that_could_not_be_read_back_are_not_signed(terms: Licence, root: PrivateKey) -> None:
    with pytest.raises(errors.ArgumentError, match="not_after is not later"):
        issue(replace(terms, not_after=terms.not_before - SECOND), root)
    with pytest.raises(errors.ArgumentError, match="no canonical form"):
        issue(replace(terms, licensee="\udcff"), root)


def test_only_the_delegate_may_issue(terms: Licence, root: PrivateKey, make_key: Keys) -> None:
    top = parse_licence_file(issue(replace(terms, id="1" * 32, delegate=make_key("a").public.raw), root))
    with pytest.raises(errors.ArgumentError, match="does not let key"):
        issue(terms, make_key("b"), top)


# No bytes raise anything but the package's own error.


def verify_raises_nothing_else(check: Verifier, data: bytes) -> None:
    refusal: LicensingError | None = None
    try:
        check(data)
    except LicensingError as error:
        refusal = error
    if refusal is not None:
        assert refusal.stid is not Stid.OK
        assert "\n" not in refusal.message
        assert refusal.remedy


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)


@FUZZ
@given(st.binary(max_size=400))
def test_fuzz_any_bytes(check: Verifier, data: bytes) -> None:
    verify_raises_nothing_else(check, data)


@FUZZ
@given(st.data())
def test_fuzz_changed_bytes(check: Verifier, make_chain: Callable[[int], bytes], data: st.DataObject) -> None:
    good = bytearray(make_chain(2))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    verify_raises_nothing_else(check, bytes(good))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["*", "0" * 32]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@FUZZ
@given(st.data())
def test_fuzz_changed_values(check: Verifier, make_chain: Callable[[int], bytes], data: st.DataObject) -> None:
    document = json.loads(make_chain(1))
    targets = [document, document["licence"], document["signature"], document["parents"][0]["licence"]]
    target = data.draw(st.sampled_from(targets))
    target[data.draw(st.sampled_from([*sorted(target), "new"]))] = data.draw(JSON_VALUES)
    verify_raises_nothing_else(check, json.dumps(document).encode())


@FUZZ
@given(st.data())
def test_fuzz_changed_and_signed(check: Verifier, terms: Licence, root: PrivateKey, data: st.DataObject) -> None:
    """Even a trust root's own signature makes no nonsense pass as anything but a licence or an error."""
    body = terms.to_json()
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JSON_VALUES)
    try:
        signature = root.sign(signed_bytes(body))
    except (LicensingError, ValueError):
        return
    signed = SignedLicence(body, terms, root.public.id, signature)
    verify_raises_nothing_else(check, json.dumps({**signed.to_json(), "parents": []}).encode())


def test_a_licence_verifies_in_under_five_milliseconds(make_chain: Callable[[int], bytes], check: Verifier) -> None:
    data = make_chain(0)
    check(data)
    spent = []
    for _ in range(20):
        start = time.process_time()
        check(data)
        spent.append(time.process_time() - start)
    assert sorted(spent)[len(spent) // 2] < 0.005
