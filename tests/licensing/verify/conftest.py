"""Fixtures and helpers of these tests."""

from __future__ import annotations

from collections.abc import Callable

from senseid_licensing.licence import Licence, LicenceFile, SignedLicence, signed_bytes
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.verified import VerifiedLicence

Verifier = Callable[..., VerifiedLicence]


Keys = Callable[[str], PrivateKey]


def sign(terms: Licence, key: PrivateKey, *parents: SignedLicence) -> SignedLicence:
    """Signs whatever it is given: what no honest issuer would."""
    body = terms.to_json()
    return SignedLicence(body, terms, key.public.id, key.sign(signed_bytes(body)))


def file_of(*chain: SignedLicence) -> bytes:
    return LicenceFile(chain[0], chain[1:]).to_bytes()
