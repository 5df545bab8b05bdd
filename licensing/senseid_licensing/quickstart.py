"""A new user's own vendor: a root key, and licences for this machine, in one step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from senseid_licensing.capability import Capability
from senseid_licensing.clock import check_plausible
from senseid_licensing.errors import ArgumentError, LicenceMissingError, about
from senseid_licensing.files import SECRET, is_there, read_file, write_file
from senseid_licensing.instant import whole_second
from senseid_licensing.issue import issue
from senseid_licensing.issue_log import log_issue
from senseid_licensing.licence import Licence
from senseid_licensing.private_key import PrivateKey, generate, is_sealed, open_key_file
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicence

DAYS = 30


@dataclass(frozen=True, slots=True)
class Quickstart:
    """The result of a quickstart.

    Attributes:
        key_path: the private root key.
        key_id: its id.
        created: whether the key is new; an existing one is kept.
        sealed: whether a passphrase protects it.
        replaced: products that had a licence file before and have a new one now.
        licences: the new licences, verified and installed.
        kept: valid licences of another vendor, which were kept.
    """

    key_path: Path
    key_id: str
    created: bool
    sealed: bool
    replaced: tuple[Product, ...]
    licences: tuple[VerifiedLicence, ...]
    kept: tuple[VerifiedLicence, ...]


def quickstart(
    store: LicenceStore,
    context: Context,
    *,
    licensee: str,
    entropy: Callable[[int], bytes],
    passphrase: str | None = None,
    days: int = DAYS,
) -> Quickstart:
    """Make a root (or keep an existing one), trust it, and install licences of every product for this machine.

    Running it again issues new ones; a valid licence of another vendor is kept. The holder of the root is their own
    vendor, so it also resets the clock's mark.

    Args:
        store: the store to install into.
        context: this machine, now.
        licensee: the name in the licences.
        entropy: gives that many random bytes.
        passphrase: opens the root key, or seals a new one; a new one without it is protected by its file mode alone.
        days: how long the licences last.

    Raises:
        ArgumentError: this build trusts its vendor only.
        ClockError: the clock is implausible.
        UdidError: the machine cannot be recognised.
        KeyFileError: there is a root key and the passphrase does not open it, or a trust root is broken.
        StorageError: something cannot be written.
    """
    if store.policy.trust == "embedded":
        raise ArgumentError(
            "this build accepts its vendor's licences only, so it cannot make its own",
            remedy="run `senseid udid` and send UDID.txt to your vendor",
        )
    # All checks come before the first file is written.
    check_plausible(context.now)
    now = whole_second(context.now)
    components = context.machine.components
    store.roots()
    key, created, sealed = _root(store.root_key_path, passphrase, entropy)
    store.trust(key.public)
    store.reset_clock(now)
    found = store.verify_all(context).licences.values()
    kept = {licence.product: licence for licence in found if licence.root_key != key.public.id}
    wanted = [product for product in Product if product not in kept]
    replaced = tuple(product for product in wanted if is_there(store.path(product)))
    licences = []
    for product in wanted:
        terms = Licence(
            id=entropy(16).hex(),
            product=product,
            licensee=licensee,
            issued=now,
            not_before=now,
            not_after=now + timedelta(days=days),
            grace_days=0,
            capabilities=frozenset(Capability),
            platforms=frozenset({context.platform}),
            versions=VersionRange(),
            udid=components,
            parent=None,
            delegate=None,
        )
        data = issue(terms, key)
        log_issue(store.root_key_path, terms, key.public)
        licences.append(store.install(data, context))
    return Quickstart(
        key_path=store.root_key_path,
        key_id=key.public.id,
        created=created,
        sealed=sealed,
        replaced=replaced,
        licences=tuple(licences),
        kept=tuple(kept.values()),
    )


def _root(path: Path, passphrase: str | None, entropy: Callable[[int], bytes]) -> tuple[PrivateKey, bool, bool]:
    """The root key, whether it is new, and whether it is sealed."""
    try:
        data = read_file(path, "root key")
    except LicenceMissingError:
        key = generate(entropy)
        if write_file(path, key.to_file(passphrase, entropy), SECRET, overwrite=False):
            return key, True, passphrase is not None
        data = read_file(path, "root key")  # another quickstart was faster: a key is never overwritten
    with about(path):
        return open_key_file(data, passphrase), False, is_sealed(data)
