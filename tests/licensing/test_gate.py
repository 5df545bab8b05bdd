"""Only licences that `verify` made open a model, and only under the roots of this build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing import gate
from senseid_licensing.errors import LicenceMissingError, UntrustedKeyError
from senseid_licensing.gate import admit
from senseid_licensing.issue import issue
from senseid_licensing.product import Product
from senseid_licensing.verified import VerifiedLicence, VerifiedLicences

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey


@pytest.fixture
def face(terms: Licence, root: PrivateKey, check: Callable[[bytes], VerifiedLicence]) -> VerifiedLicence:
    return check(issue(terms, root))


class Likeness:
    """Has all that a licence has."""

    def __init__(self, licence: VerifiedLicence) -> None:
        self.licence = licence

    def require(self, *_: object) -> Any:
        return self.licence

    def __getattr__(self, name: str) -> Any:
        return getattr(self.licence, name)


class Generous(VerifiedLicences):
    def require(self, *_: object) -> VerifiedLicence:
        return next(iter(self.licences.values()))


def test_what_was_verified(face: VerifiedLicence) -> None:
    licences = VerifiedLicences({Product.FACE: face}, {})
    assert admit(licences, Product.FACE) is face
    with pytest.raises(LicenceMissingError):
        admit(licences, Product.LIVENESS)


def test_what_only_looks_like_it(face: VerifiedLicence) -> None:
    for other in (
        Likeness(face),
        Generous({Product.FACE: face}, {}),
        VerifiedLicences({Product.FACE: Likeness(face)}, {}),  # type: ignore[dict-item]
        VerifiedLicences({Product.LIVENESS: face}, {}),
    ):
        for product in (Product.FACE, Product.LIVENESS):
            with pytest.raises((TypeError, LicenceMissingError)):
                admit(other, product)  # type: ignore[arg-type]


def test_a_vendors_build_asks_for_its_own_roots(
    face: VerifiedLicence, root: PrivateKey, make_key: Callable[[str], PrivateKey], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever roots the licences were verified with."""
    licences = VerifiedLicences({Product.FACE: face}, {})
    policy = tmp_path / "trust.toml"
    monkeypatch.setattr(gate, "PACKAGED_POLICY", policy)
    for key in (make_key("vendor"), root):
        policy.write_text(f'trust = "embedded"\nroots = ["{key.public.to_text().strip()}"]\n')
        if key is root:
            assert admit(licences, Product.FACE) is face
        else:
            with pytest.raises(UntrustedKeyError, match="accepts its vendor's licences only"):
                admit(licences, Product.FACE)
