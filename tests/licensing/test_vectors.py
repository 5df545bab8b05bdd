"""Licences that were signed once. They hold for ever: a release that judges one otherwise has broken the format.

A folder for each version of the format: `v1` is `senseid-licence/1`. Each `.vec` file is a header (`expect:` an STID
name, `comment:`), an empty line, and the bytes of a licence file. The root is the Ed25519 key whose seed is the SHA-256
of `senseid test vector key: root`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from senseid_licensing.errors import LicensingError, Stid
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.product import Product
from senseid_licensing.trust import TrustRoots
from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.udid.reading import Kind, present
from senseid_licensing.verify import verify

VECTORS = sorted((Path(__file__).with_name("vectors") / "v1").glob("*.vec"))
MACHINE = Fingerprint(
    (
        present(Kind.CPU, ["vector cpu"], "", unique=False),
        present(Kind.BOARD, ["vector board"], "", unique=False),
        present(Kind.DISK, ["vector disk"], "", unique=True),
        present(Kind.NIC, ["vector nic"], "", unique=True),
    )
)


def judge(data: bytes) -> Stid:
    root = PrivateKey(hashlib.sha256(b"senseid test vector key: root").digest()).public
    try:
        verify(
            data,
            product=Product.FACE,
            machine=MACHINE,
            now=datetime(2026, 11, 24, 10, tzinfo=UTC),
            version="1.10.0",
            platform="linux-x86_64",
            roots=TrustRoots({root.id: root}, frozenset(), "-"),
        )
    except LicensingError as error:
        return error.stid
    return Stid.OK


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    header, data = path.read_bytes().split(b"\n\n", 1)
    expected = header.decode().splitlines()[0].removeprefix("expect: ")
    assert judge(data).text == expected


def test_the_vectors_are_there() -> None:
    assert len(VECTORS) >= 33
