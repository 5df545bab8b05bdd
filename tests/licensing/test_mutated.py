"""Thousands of licences that somebody changed: none is accepted, and none does harm to those that are good."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing.errors import LicensingError
from senseid_licensing.issue import issue
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.product import Product
from tests.counts import count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.licence import Licence, SignedLicence
    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.store import LicenceStore

LICENCES = count(1500, 30_000)
# What may stand in the place of a value.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**63, 10**400, 1.5, 1e308, "", "x", "\0", "\ud800", "a" * 70_000, [], {}, [[]],
    "9999-12-31T23:59:59Z", "2026-11-24T10:00:00+14:00", "senseid_face", ["serve"], {"": None}, "0" * 32, "0" * 64,
)  # fmt: skip
SECONDS = 2.0


class Mutations:
    """Changes licence files; the same ones for the same seed."""

    def __init__(self, seed: int, files: list[bytes]) -> None:
        self.random = random.Random(seed)
        self.files = files

    def one(self) -> bytes:
        file = self.random.choice(self.files)
        kinds: list[Callable[[bytes], bytes]] = [
            self.flipped, self.flipped, self.cut, self.taken_out, self.put_in, self.spliced, self.doubled_key,
            self.other_value, self.other_value, self.other_value, self.of_another, self.of_another, self.extra_field,
            self.swapped_links, self.nested, self.garbage,
        ]  # fmt: skip
        return self.random.choice(kinds)(file)

    def place(self, data: bytes) -> int:
        return self.random.randrange(len(data))

    def flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.random.choice([1, 1, 1, 2, 8])):
            changed[self.place(data)] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def cut(self, data: bytes) -> bytes:
        return data[: self.place(data)]

    def taken_out(self, data: bytes) -> bytes:
        at = self.place(data)
        return data[:at] + data[at + self.random.randrange(1, 80) :]

    def put_in(self, data: bytes) -> bytes:
        at = self.place(data)
        return data[:at] + self.random.choice([self.random.randbytes(9), b'"', b"}", b",", b"\xff", b"9"]) + data[at:]

    def spliced(self, data: bytes) -> bytes:
        other = self.random.choice(self.files)
        return data[: self.place(data)] + other[self.place(other) :]

    def garbage(self, _: bytes) -> bytes:
        return self.random.randbytes(self.random.randrange(3000))

    def nested(self, data: bytes) -> bytes:
        depth = self.random.choice([50, 1000, 20_000])
        return data.replace(b'"critical"', b'"x":' + b"[" * depth + b"]" * depth + b',"critical"', 1)

    def doubled_key(self, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        line = self.random.choice([line for line in lines if b'": ' in line])
        key = line.split(b":")[0]
        value = json.dumps(self.random.choice(VALUES)).encode()
        return data.replace(line, key + b": " + value + b",\n" + line, 1)

    def places(self, found: Any) -> list[tuple[Any, Any]]:
        """Every member of an object and of a list, with what holds it."""
        if not isinstance(found, dict | list):
            return []
        inside = list(found.items()) if isinstance(found, dict) else list(enumerate(found))
        return [(found, key) for key, _ in inside] + [each for _, value in inside for each in self.places(value)]

    def changed(self, data: bytes, change: Callable[[Any, Any], None]) -> bytes:
        found = json.loads(data)
        change(*self.random.choice(self.places(found)))
        return json.dumps(found, indent=self.random.choice([None, 2])).encode()

    def other_value(self, data: bytes) -> bytes:
        return self.changed(data, lambda holder, key: holder.__setitem__(key, self.random.choice(VALUES)))

    def of_another(self, data: bytes) -> bytes:
        """A value of another licence in its place: a name, a date, a signature, a delegate."""
        other = json.loads(self.random.choice(self.files))
        values = [holder[key] for holder, key in self.places(other)]
        return self.changed(data, lambda holder, key: holder.__setitem__(key, self.random.choice(values)))

    def extra_field(self, data: bytes) -> bytes:
        def add(holder: Any, _: Any) -> None:
            if isinstance(holder, dict):
                holder[self.random.choice(["trust", "roots", "Licensee", "critical ", "x"])] = self.random.choice(
                    VALUES
                )
            else:
                holder.append(self.random.choice(VALUES))

        return self.changed(data, add)

    def swapped_links(self, data: bytes) -> bytes:
        found = json.loads(data)
        other = json.loads(self.random.choice(self.files))
        found["parents"], other["parents"] = other["parents"], found["parents"]
        if found["parents"] and self.random.random() < 0.5:
            self.random.shuffle(found["parents"])
        if found["parents"] and self.random.random() < 0.3:
            found["parents"].pop()
        return json.dumps(found).encode()


@pytest.fixture
def files(terms: Licence, root: PrivateKey, make_chain: Callable[[int], bytes]) -> list[bytes]:
    """Good licences of several kinds, and some that are good for somebody else."""
    longer = replace(terms, id="b" * 32, not_after=terms.not_after.replace(year=2040), capabilities=frozenset())
    elsewhere = replace(terms, id="c" * 32, udid=dict.fromkeys(terms.udid or (), "0" * 32))
    other = replace(terms, id="d" * 32, product=Product.LIVENESS)
    return [
        issue(terms, root),
        make_chain(1),
        make_chain(3),
        *(issue(each, root) for each in (longer, elsewhere, other)),
    ]


def links(data: bytes) -> list[SignedLicence]:
    """All that is signed in a licence file."""
    file = parse_licence_file(data)
    return [file.leaf, *file.parents]


@pytest.mark.slow
def test_mutated_licences(store: LicenceStore, context: Context, files: list[bytes]) -> None:
    """What is accepted is made of what was signed, word for word: blanks and order are free."""
    path = store.path(Product.FACE)
    path.parent.mkdir(parents=True)
    path.write_bytes(files[0])
    assert Product.FACE in store.verify_all(context).licences
    state = everything_but(path, store)
    signed = [link for data in files for link in links(data)]
    mutations = Mutations(1, files)
    accepted = refused = 0
    slowest = 0.0
    for number in range(LICENCES):
        data = mutations.one()
        begin = time.perf_counter()
        if number % 20:
            path.write_bytes(data)
            found = Product.FACE in store.verify_all(context).licences
        else:
            try:
                store.install(data, context)
                found = True
            except LicensingError:
                found = False
            store.path(Product.LIVENESS).unlink(missing_ok=True)  # another product's, unchanged
        slowest = max(slowest, time.perf_counter() - begin)
        if found:
            assert all(link in signed for link in links(data)), data
        accepted, refused = accepted + found, refused + (not found)
    assert refused > 0.9 * LICENCES
    assert slowest < SECONDS
    path.write_bytes(files[0])
    assert Product.FACE in store.verify_all(context).licences
    assert everything_but(path, store) == state
    print(
        f"{LICENCES} mutated licences: {refused} refused, {accepted} that say what was signed, slowest {slowest:.3f} s"
    )


def everything_but(licence: Path, store: LicenceStore) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.data_dir.rglob("*") if path.is_file() and path != licence}
