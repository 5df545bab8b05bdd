from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from senseid_licensing import errors
from senseid_licensing.capability import Capability
from senseid_licensing.errors import Stid
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, LicenceFile, SignedLicence, parse_licence_file
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange
from tests.licensing.verify.conftest import Keys, Verifier, file_of, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.udid.fingerprint import Fingerprint


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
