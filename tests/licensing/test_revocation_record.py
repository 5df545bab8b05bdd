from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing import errors
from senseid_licensing.issue import issue
from senseid_licensing.product import Product
from senseid_licensing.revocation import parse_revocations, revoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.context import Context
    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.store import LicenceStore

DAY = timedelta(days=1)
OTHER = "9" * 32


@pytest.fixture
def withdrawn(store: LicenceStore, terms: Licence, root: PrivateKey, context: Context) -> LicenceStore:
    """An installation that has seen a list with its licence on it."""
    store.install(issue(terms, root), context)
    put(store, revoke([terms.id], root, context.now, None))
    assert refused(store, context)
    return store


def put(store: LicenceStore, data: bytes | None) -> None:
    if data is None:
        store.revocations_path.unlink()
    else:
        store.revocations_path.write_bytes(data)


def refused(store: LicenceStore, context: Context) -> bool:
    return isinstance(store.verify_all(context).failures.get(Product.FACE), errors.RevokedError)


@pytest.mark.parametrize("old", ["none", "older", "another key's"])
def test_a_list_cannot_be_rolled_back(
    withdrawn: LicenceStore, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey], old: str
) -> None:
    second = make_key("second root")
    withdrawn.trust(second.public)
    lists = {
        "none": None,
        "older": revoke([OTHER], root, context.now - DAY, None),
        "another key's": revoke([OTHER], second, context.now + timedelta(minutes=1), None),
    }
    put(withdrawn, lists[old])
    assert refused(withdrawn, context)
    assert withdrawn.roots().revoked >= {"a" * 32}


def test_what_a_newer_list_leaves_out_counts_again(
    withdrawn: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    later = replace(context, now=context.now + DAY)
    put(withdrawn, revoke([OTHER], root, later.now, None))
    assert not refused(withdrawn, later)
    put(withdrawn, revoke([terms.id], root, context.now, None))
    assert not refused(withdrawn, later)


def test_a_list_of_a_root_that_is_no_longer_trusted_counts_no_more(
    withdrawn: LicenceStore, terms: Licence, context: Context, make_key: Callable[[str], PrivateKey], root: PrivateKey
) -> None:
    second = make_key("second root")
    withdrawn.trust(second.public)
    (withdrawn.roots_dir / f"{root.public.id}.pub").unlink()
    put(withdrawn, None)
    assert withdrawn.install(issue(terms, second), context).id == terms.id


def test_a_list_from_the_future_counts_and_is_not_kept(
    store: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    """A vendor's clock that ran ahead must not make every later list one that is too old."""
    store.install(issue(terms, root), context)
    put(store, revoke([terms.id], root, context.now + 3000 * DAY, None))
    assert refused(store, context)
    put(store, revoke([OTHER], root, context.now, None))
    assert not refused(store, context)


def test_a_record_that_cannot_be_written_or_is_damaged_is_none(
    withdrawn: LicenceStore, root: PrivateKey, context: Context
) -> None:
    copy = withdrawn.data_dir / "state" / "revoked" / f"{root.public.id}.json"
    copy.write_bytes(b"{}")
    put(withdrawn, revoke([OTHER], root, context.now - DAY, None))
    assert not refused(withdrawn, context)
    copy.unlink()
    copy.mkdir()
    assert not refused(withdrawn, context)


def test_the_next_list_goes_on_from_the_newest(
    store: LicenceStore, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    assert store.revocations.newest(root.public) is None
    first = revoke([OTHER], root, context.now - DAY, None)
    second = revoke(["8" * 32], root, context.now, first)
    store.path(Product.FACE).parents[1].mkdir(parents=True)
    put(store, second)
    assert store.revocations.newest(root.public) == second
    store.verify_all(context)
    put(store, first)
    assert store.revocations.newest(root.public) == second
    put(store, None)
    assert store.revocations.newest(root.public) == second
    stranger = make_key("stranger")
    put(store, revoke([OTHER], stranger, context.now, None))
    assert store.revocations.newest(root.public) == store.revocations_path.read_bytes()
    put(store, b"{}")
    with pytest.raises(errors.FormatError, match=r"revoked\.json"):
        store.revocations.newest(root.public)


def test_lists_of_one_second_follow_one_another(root: PrivateKey, context: Context) -> None:
    first = revoke([OTHER], root, context.now, None)
    second = revoke(["8" * 32], root, context.now - DAY, first)
    assert parse_revocations(second).issued == parse_revocations(first).issued + timedelta(seconds=1)
