"""Keys, machines and terms that the licensing tests share. Nothing is random, nothing reads this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from senseid_licensing.capability import Capability
from senseid_licensing.context import Context
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, parse_licence_file
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.product import Product
from senseid_licensing.store import LicenceStore
from senseid_licensing.trust import TrustRoots
from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.udid.reading import Kind, Reading, present
from senseid_licensing.verify import verify
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.verified import VerifiedLicence

NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def entropy() -> Callable[[int], bytes]:
    """Bytes that look random and are the same in every run."""
    numbers = count()

    def give(length: int) -> bytes:
        return hashlib.shake_256(f"test entropy {next(numbers)}".encode()).digest(length)

    return give


def key_of(name: str) -> PrivateKey:
    return PrivateKey(hashlib.sha256(name.encode()).digest())


@pytest.fixture
def root() -> PrivateKey:
    return key_of("root")


@pytest.fixture
def make_key() -> Callable[[str], PrivateKey]:
    return key_of


def machine_of(**values: str) -> Fingerprint:
    readings: list[Reading] = []
    for name, value in values.items():
        kind = Kind(name)
        readings.append(present(kind, [value], "test", unique=kind not in (Kind.CPU, Kind.BOARD)))
    return Fingerprint(tuple(readings))


@pytest.fixture
def make_machine() -> Callable[..., Fingerprint]:
    return machine_of


@pytest.fixture
def machine() -> Fingerprint:
    return machine_of(cpu="epyc", board="h12", machine_id="m1", disk="d1", nic="n1")


@pytest.fixture
def roots(root: PrivateKey) -> TrustRoots:
    return TrustRoots({root.public.id: root.public}, frozenset(), "trust the issuer")


@pytest.fixture
def context(machine: Fingerprint, now: datetime) -> Context:
    return Context(machine, now, "1.10.0", "linux-x86_64")


@pytest.fixture
def terms(machine: Fingerprint, now: datetime) -> Licence:
    """A licence for everything, for this machine, for 30 days, bound to all that it shows."""
    return Licence(
        id="a" * 32,
        product=Product.FACE,
        licensee="Acme",
        issued=now,
        not_before=now,
        not_after=now + timedelta(days=30),
        grace_days=0,
        capabilities=frozenset(Capability),
        platforms=frozenset({"linux-x86_64"}),
        versions=VersionRange("1.0", "2"),
        udid={reading.kind.value: reading.hashes[0] for reading in machine.readings},
        parent=None,
        delegate=None,
    )


class Verifier(Protocol):
    def __call__(self, data: bytes, **changes: Any) -> VerifiedLicence: ...


@pytest.fixture
def check(context: Context, roots: TrustRoots) -> Verifier:
    """`verify` for this machine, now; any argument may be replaced."""

    def run(data: bytes, **changes: Any) -> VerifiedLicence:
        arguments: dict[str, Any] = {
            "product": Product.FACE,
            "machine": context.machine,
            "now": context.now,
            "version": context.version,
            "platform": context.platform,
            "roots": roots,
        }
        return verify(data, **{**arguments, **changes})

    return run


@pytest.fixture
def store(tmp_path: Any, root: PrivateKey) -> LicenceStore:
    """A store that trusts the root key."""
    store = LicenceStore(tmp_path / "data")
    store.trust(root.public)
    return store


@pytest.fixture
def make_chain(terms: Licence, root: PrivateKey) -> Callable[[int], bytes]:
    """A licence that stands on as many parents as asked, each signed by its parent's delegate."""

    def make(parents: int) -> bytes:
        key, file = root, None
        for level in range(parents):
            below = key_of(f"issuer {level}")
            link = replace(terms, id=f"{level:032x}", delegate=below.public.raw)
            file = parse_licence_file(issue(link, key, file))
            key = below
        return issue(terms, key, file)

    return make
