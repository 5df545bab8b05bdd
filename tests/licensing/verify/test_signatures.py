from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing import errors
from senseid_licensing.document import Json, canonical
from senseid_licensing.errors import Stid
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, SignedLicence
from senseid_licensing.trust import TrustRoots
from tests.licensing.verify.conftest import Keys, Verifier, file_of, sign

if TYPE_CHECKING:
    from senseid_licensing.private_key import PrivateKey


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
