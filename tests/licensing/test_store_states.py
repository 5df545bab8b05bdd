"""The store against a model of its state, under every mix of installing, renewing, clocks and kinds of licences.

The model knows what a clock, a mark and a licence mean, and nothing of files. After each step the store must judge
every product as the model does, and a step that is refused must leave every byte of the data directory as it was.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from senseid_licensing.capability import Capability
from senseid_licensing.context import Context
from senseid_licensing.errors import LicensingError
from senseid_licensing.issue import issue
from senseid_licensing.licence import Licence, LicenceFile, parse_licence_file
from senseid_licensing.private_key import PrivateKey
from senseid_licensing.product import Product
from senseid_licensing.store import LicenceStore
from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.udid.reading import Kind, present
from senseid_licensing.version_range import VersionRange

MINUTE, DAY, YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=365)
SLACK = 5 * MINUTE
START = datetime(2026, 11, 24, 10, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC)
ROOT, RESELLER, STRANGER = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
HERE = Fingerprint((present(Kind.DISK, ["d"], "", unique=True), present(Kind.NIC, ["n"], "", unique=True)))

PRODUCTS = st.sampled_from(Product)
# How far a clock or an issuer's clock may be off: nothing, a little, just within and beyond what is tolerated, much.
SHIFTS = st.sampled_from([0 * DAY, MINUTE, SLACK, SLACK + MINUTE, timedelta(hours=1), 3 * DAY, 40 * DAY, 5 * YEAR])
KINDS = st.sampled_from(["root", "reseller", "stranger", "other machine", "garbage"])


@dataclass(frozen=True)
class Terms:
    """What the model keeps of a licence that may become good; None in its place is one that never will."""

    number: int
    issued: datetime
    first: datetime
    last: datetime

    def in_force(self, now: datetime) -> bool:
        return self.first <= now <= self.last and self.issued <= now + SLACK


@cache
def parent(product: Product) -> LicenceFile:
    """A reseller's licence, as wide as can be."""
    wide = licence_of(product, "f" * 32, EVER + YEAR * 21, EVER + YEAR * 21, START + 40 * YEAR)
    return parse_licence_file(issue(replace(wide, delegate=RESELLER.public.raw, udid=None), ROOT))


def licence_of(product: Product, identity: str, issued: datetime, first: datetime, last: datetime) -> Licence:
    return Licence(
        id=identity,
        product=product,
        licensee="Acme",
        issued=issued,
        not_before=first,
        not_after=last,
        grace_days=0,
        capabilities=frozenset(Capability),
        platforms=None,
        versions=VersionRange(),
        udid=HERE.components,
        parent=None,
        delegate=None,
    )


class StoreMachine(RuleBasedStateMachine):
    """The store, and beside it the model: the clock, the mark, and what lies in each product's place."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = LicenceStore(Path(self.folder.name) / "data")
        self.store.trust(ROOT.public)
        self.numbers = count()
        self.now = START
        self.latest = self.newest = EVER
        self.placed: dict[Product, Terms | None] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    # The model.

    def follows(self, issued: datetime) -> bool:
        """Whether the mark lets a licence of that time pass now."""
        return issued > self.newest or self.now + SLACK >= self.latest

    def see(self, issued: datetime) -> None:
        """Moves the mark, which is written once a minute at most."""
        if issued > self.newest:
            self.latest, self.newest = self.now, issued
        elif self.now >= self.latest + MINUTE:
            self.latest = self.now

    def working(self) -> set[Product]:
        """Products whose licences work now; moves the mark as looking at them does."""
        good = {product for product, terms in self.placed.items() if terms is not None and terms.in_force(self.now)}
        known = [terms for terms in self.placed.values() if terms is not None]
        issued = max((terms.issued for terms in known if terms.in_force(self.now)), default=EVER)
        # An expiry is a time that was seen, too; a licence that claims to be issued later than now says nothing.
        expired = any(terms.last < self.now and terms.issued <= self.now + SLACK for terms in known)
        if not good and not expired:
            return set()
        if not self.follows(issued):
            return set()
        self.see(issued)
        return good

    # The steps.

    def make(self, kind: str, product: Product, issued: datetime, first: datetime, last: datetime) -> bytes:
        number = next(self.numbers)
        self.terms = Terms(number, issued, first, last) if kind in ("root", "reseller") else None
        licence = licence_of(product, f"{number:032x}", issued, first, last)
        if kind == "garbage":
            return b"{" if number % 2 else b"\xff" * 9
        if kind == "other machine":
            licence = replace(licence, udid={**HERE.components, "disk": "0" * 32})
        if kind == "reseller":
            return issue(licence, RESELLER, parent(product))
        return issue(licence, STRANGER if kind == "stranger" else ROOT)

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.store.data_dir.rglob("*") if path.is_file()}

    @rule(product=PRODUCTS, kind=KINDS, ahead=SHIFTS, back=SHIFTS, begins=SHIFTS, lasts=SHIFTS, renew=st.booleans())
    def install(
        self,
        product: Product,
        kind: str,
        ahead: timedelta,
        back: timedelta,
        begins: timedelta,
        lasts: timedelta,
        renew: bool,
    ) -> None:
        issued = max(self.now + ahead - back, EVER + YEAR * 22)
        first = max(self.now - begins, EVER + YEAR * 22)
        last = first + lasts
        data = self.make(kind, product, issued, first, last)
        welcome = self.terms is not None and self.terms.in_force(self.now) and self.follows(issued)
        if renew:
            old = self.placed.get(product)
            welcome = welcome and product in self.placed and (old is None or last > old.last)
        before, context = self.files(), self.context
        try:
            done = (self.store.renew if renew else self.store.install)(data, context)
        except LicensingError:
            assert not welcome
            assert self.files() == before
        else:
            assert welcome
            assert done.issued == issued
            self.placed[product] = self.terms
            self.see(issued)
            # What was just installed works, and nothing else has ceased to.
            assert product in self.store.verify_all(context).licences

    @rule(product=PRODUCTS, kind=KINDS, ahead=SHIFTS, back=SHIFTS, lasts=SHIFTS)
    def copy(self, product: Product, kind: str, ahead: timedelta, back: timedelta, lasts: timedelta) -> None:
        """As an operator does with `cp`, who checks nothing."""
        issued = max(self.now + ahead - back, EVER + YEAR * 22)
        # Garbage and licences of others count the same: nothing is known of when they end.
        path = self.store.path(product)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.make(kind, product, issued, issued, issued + lasts))
        self.placed[product] = self.terms
        if kind in ("stranger", "other machine"):
            del self.placed[product]
            path.unlink()

    @rule(shift=SHIFTS, forward=st.booleans())
    def set_clock(self, shift: timedelta, forward: bool) -> None:
        moved = self.now + shift if forward else self.now - shift
        self.now = min(max(moved, datetime(2022, 2, 1, tzinfo=UTC)), datetime(2060, 1, 1, tzinfo=UTC))

    @rule()
    def reset(self) -> None:
        self.store.reset_clock(self.now)
        self.latest, self.newest = self.now, EVER
        in_force = {product for product, terms in self.placed.items() if terms is not None and terms.in_force(self.now)}
        assert set(self.store.verify_all(self.context).licences) == in_force == self.working()

    @property
    def context(self) -> Context:
        return Context(HERE, self.now, "1.0", "linux-x86_64")

    @invariant()
    def the_store_judges_as_the_model_does(self) -> None:
        if hasattr(self, "store"):
            assert set(self.store.verify_all(self.context).licences) == self.working()


def test_every_mix_of_steps() -> None:
    few = settings(max_examples=60, stateful_step_count=25)
    run_state_machine_as_test(StoreMachine, settings=few)  # type: ignore[no-untyped-call]
