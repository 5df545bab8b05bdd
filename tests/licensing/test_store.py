from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing import errors
from senseid_licensing.capability import Capability
from senseid_licensing.clock import ClockRecord
from senseid_licensing.context import Context, context_here
from senseid_licensing.issue import issue
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.product import Product
from senseid_licensing.revocation import revoke
from senseid_licensing.store import LicenceStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey

DAY = timedelta(days=1)


def place(store: LicenceStore, data: bytes, product: Product = Product.FACE) -> Path:
    """As an operator does with `cp`."""
    path = store.path(product)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def installed(store: LicenceStore, terms: Licence, root: PrivateKey, context: Context) -> LicenceStore:
    store.install(issue(terms, root), context)
    return store


def test_a_licence_is_installed_under_its_products_name(
    store: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    for product in Product:
        licence = store.install(issue(replace(terms, product=product), root), context)
        assert licence.product is product
    assert store.path(Product.FACE) == store.data_dir / "license/senseid_face/senseid_face.lic"
    result = store.verify_all(context)
    assert (set(result.licences), result.failures) == (set(Product), {})


def test_nothing_installed(store: LicenceStore, context: Context) -> None:
    result = store.verify_all(context)
    assert result.licences == {}
    for product in Product:
        with pytest.raises(errors.LicenceMissingError, match=f"{product}.lic: there is no licence for {product}"):
            result.require(product)
    assert not (store.data_dir / "state").exists()


def test_a_refused_licence_is_not_installed(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    before = installed.load(Product.FACE)
    for bad in (b"", b"{}", issue(terms, make_key("stranger")), issue(replace(terms, udid={"cpu": "0" * 32}), root)):
        with pytest.raises(errors.LicensingError):
            installed.install(bad, context)
    assert installed.load(Product.FACE) == before


def test_replacing_the_file_is_enough_to_renew(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    later = replace(context, now=terms.not_after + DAY)
    with pytest.raises(errors.ExpiredError, match=r"senseid_face\.lic: the licence expired"):
        installed.verify_all(later).require(Product.FACE)
    place(installed, issue(replace(terms, not_after=terms.not_after + 30 * DAY), root))
    assert installed.verify_all(later).require(Product.FACE, Capability.COMPARE).days_left == 29


def test_one_bad_licence_does_not_hide_a_good_one(installed: LicenceStore, context: Context, terms: Licence) -> None:
    place(installed, installed.load(Product.FACE), Product.LIVENESS)
    installed.path(Product.KESTREL).mkdir(parents=True)
    result = installed.verify_all(context)
    assert result.require(Product.FACE)
    with pytest.raises(errors.ProductError, match="for senseid_face, not for senseid_liveness"):
        result.require(Product.LIVENESS)
    with pytest.raises(errors.UnreadableError):
        result.require(Product.KESTREL)


def test_no_root_no_trust(tmp_path: Path, terms: Licence, root: PrivateKey, context: Context) -> None:
    store = LicenceStore(tmp_path)
    with pytest.raises(errors.UntrustedKeyError) as caught:
        store.install(issue(terms, root), context)
    assert str(store.roots_dir) in caught.value.remedy


def test_a_broken_root_refuses_everything_and_says_which(installed: LicenceStore, context: Context) -> None:
    (installed.roots_dir / "x.pub").write_text("junk")
    with pytest.raises(errors.KeyFileError, match=r"x\.pub: not a public key"):
        installed.verify_all(context).require(Product.FACE)


def test_a_folder_of_roots_that_cannot_be_read_is_no_empty_one(installed: LicenceStore, context: Context) -> None:
    shutil.rmtree(installed.roots_dir)
    installed.roots_dir.write_text("in its place")
    with pytest.raises(errors.UnreadableError, match="roots: the trust roots cannot be read"):
        installed.verify_all(context).require(Product.FACE)


def test_an_embedded_policy_believes_the_package_alone(
    tmp_path: Path, terms: Licence, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    policy, vendor = tmp_path / "trust.toml", make_key("vendor")
    policy.write_text(f'trust = "embedded"\nroots = ["{vendor.public.to_text().strip()}"]\n')
    store = LicenceStore(tmp_path / "data", policy=policy)
    store.trust(root.public)
    with pytest.raises(errors.UntrustedKeyError, match="not trusted here"):
        store.install(issue(terms, root), context)
    assert store.install(issue(terms, vendor), context)


def test_the_clock_set_back(installed: LicenceStore, context: Context) -> None:
    assert installed.verify_all(replace(context, now=context.now + 3 * DAY)).licences
    back = installed.verify_all(replace(context, now=context.now + 2 * DAY))
    with pytest.raises(errors.ClockError, match="already seen"):
        back.require(Product.FACE)
    with pytest.raises(errors.LicenceMissingError):
        back.require(Product.KESTREL)


def test_an_expiry_once_seen_stays(installed: LicenceStore, terms: Licence, context: Context) -> None:
    with pytest.raises(errors.ExpiredError):
        installed.verify_all(replace(context, now=terms.not_after + 9 * DAY)).require(Product.FACE)
    with pytest.raises(errors.ClockError):
        installed.verify_all(replace(context, now=terms.not_after)).require(Product.FACE)


def test_a_forged_licence_moves_no_clock(
    store: LicenceStore, terms: Licence, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    place(store, issue(terms, make_key("stranger")))
    store.verify_all(replace(context, now=context.now + 9999 * DAY))
    assert not (store.data_dir / "state").exists()


def test_a_new_licence_is_the_way_out_after_a_clock_that_ran_ahead(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    installed.verify_all(replace(context, now=context.now + 20 * DAY))
    here = replace(context, now=context.now + DAY)
    with pytest.raises(errors.ClockError):
        installed.install(issue(terms, root), here)
    installed.install(issue(replace(terms, id="c" * 32, issued=here.now, not_before=here.now), root), here)
    assert installed.verify_all(here).require(Product.FACE).id == "c" * 32


def test_a_licence_from_the_future_is_refused_and_disables_no_other(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    """An hour is enough; a reseller may write years. The others work on, and so does what comes later."""
    reseller = make_key("reseller")
    above = parse_licence_file(issue(replace(terms, id="f" * 32, delegate=reseller.public.raw), root))
    before = {path: path.read_bytes() for path in installed.data_dir.rglob("*.*")}
    for ahead in (timedelta(minutes=6), timedelta(hours=1), 3000 * DAY):
        late = replace(terms, id="c" * 32, issued=context.now + ahead, not_after=terms.not_after)
        for data in (issue(late, root), issue(late, reseller, above)):
            for place_it in (installed.install, installed.renew):
                with pytest.raises(errors.LicensingError):
                    place_it(data, context)
            with pytest.raises(errors.ClockError, match="was issued at 20"):
                installed.install(data, context)
    assert {path: path.read_bytes() for path in installed.data_dir.rglob("*.*")} == before
    place(installed, issue(replace(late, product=Product.KESTREL), root), Product.KESTREL)
    result = installed.verify_all(context)
    assert result.require(Product.FACE)
    with pytest.raises(errors.ClockError, match=r"senseid_kestrel\.lic: the licence c+ was issued at"):
        result.require(Product.KESTREL)
    # Two clocks that differ a little are no reason to refuse.
    installed.install(issue(replace(terms, id="d" * 32, issued=context.now + timedelta(minutes=5)), root), context)
    assert installed.verify_all(context).require(Product.FACE).id == "d" * 32


def test_a_parent_from_the_future_is_refused(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    reseller = make_key("reseller")
    late = replace(terms, id="f" * 32, issued=context.now + DAY, delegate=reseller.public.raw)
    with pytest.raises(errors.ClockError, match=r"the licence f+ was issued"):
        installed.install(issue(terms, reseller, parse_licence_file(issue(late, root))), context)


def test_a_licence_that_cannot_be_written_leaves_the_mark(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    later = replace(context, now=context.now + DAY)
    path, mark = installed.path(Product.LIVENESS), installed.data_dir / "state" / "clock.json"
    path.mkdir(parents=True)
    before = mark.read_bytes()
    with pytest.raises(errors.StorageError):
        installed.install(issue(replace(terms, product=Product.LIVENESS, issued=later.now), root), later)
    assert mark.read_bytes() == before


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_wrong_clock_is_called_that_and_leaves_no_mark(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context, year: int
) -> None:
    wrong = replace(context, now=context.now.replace(year=year))
    mark = (installed.data_dir / "state" / "clock.json").read_bytes()
    with pytest.raises(errors.ClockError, match=f"the clock shows {year}-11-24T10:00:00Z, which cannot be"):
        installed.verify_all(wrong).require(Product.FACE)
    for refused in (
        lambda: installed.install(issue(terms, root), wrong),
        lambda: issue(replace(terms, issued=wrong.now), root),
        lambda: revoke([terms.id], root, wrong.now, None),
        lambda: installed.reset_clock(wrong.now),
    ):
        with pytest.raises(errors.ClockError, match="cannot be"):
            refused()
    assert (installed.data_dir / "state" / "clock.json").read_bytes() == mark
    assert installed.verify_all(context).require(Product.FACE)


def test_the_way_out_of_a_wrong_mark_is_one_command(installed: LicenceStore, context: Context) -> None:
    assert installed.verify_all(replace(context, now=context.now + 20 * DAY)).licences
    with pytest.raises(errors.ClockError, match="already seen"):
        installed.verify_all(context).require(Product.FACE)
    assert installed.reset_clock(context.now) == context.now + 20 * DAY
    assert installed.verify_all(context).require(Product.FACE)


def test_a_vendors_build_takes_the_time_from_its_vendor(
    tmp_path: Path, terms: Licence, context: Context, make_key: Callable[[str], PrivateKey]
) -> None:
    policy, vendor = tmp_path / "trust.toml", make_key("vendor")
    policy.write_text(f'trust = "embedded"\nroots = ["{vendor.public.to_text().strip()}"]\n')
    store = LicenceStore(tmp_path / "data", policy=policy)
    store.install(issue(terms, vendor), context)
    store.verify_all(replace(context, now=context.now + 20 * DAY))
    with pytest.raises(errors.ArgumentError, match="takes the time from its vendor") as caught:
        store.reset_clock(context.now)
    assert "senseid license install FILE" in caught.value.remedy
    here = replace(context, now=context.now + DAY)
    place(store, issue(replace(terms, id="c" * 32, issued=here.now), vendor))
    assert store.verify_all(here).require(Product.FACE).id == "c" * 32


def test_state_deleted_or_edited(installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context) -> None:
    state = installed.data_dir / "state" / "clock.json"
    document = json.loads(state.read_bytes())
    document["mark"]["latest"] = "2020-01-01T00:00:00Z"
    state.write_text(json.dumps(document))
    with pytest.raises(errors.ClockError, match="edited or is damaged"):
        installed.verify_all(context).require(Product.FACE)
    state.unlink()
    with pytest.raises(errors.ValidityError):
        installed.verify_all(replace(context, now=context.now - DAY)).require(Product.FACE)
    assert installed.verify_all(context).require(Product.FACE)
    assert state.exists()
    assert isinstance(installed.clock, ClockRecord)


def test_revoked(installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context) -> None:
    installed.revocations_path.write_bytes(revoke([terms.id], root, context.now, None))
    with pytest.raises(errors.RevokedError):
        installed.verify_all(context).require(Product.FACE)
    installed.revocations_path.write_bytes(b"{}")
    with pytest.raises(errors.FormatError, match=r"revoked\.json"):
        installed.verify_all(context).require(Product.FACE)


def test_a_process_that_runs_on_keeps_what_was_good(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    """Where a refused file took its place; not where it was removed or revoked, or has ended."""
    kept: dict[Product, bytes] = {}
    path = installed.path(Product.FACE)
    good = path.read_bytes()
    first = installed.verify_all(context, kept)
    path.write_bytes(b"damaged")
    found = installed.verify_all(context, kept)
    assert found.require(Product.FACE).id == first.require(Product.FACE).id
    assert isinstance(found.failures[Product.FACE], errors.FormatError)
    with pytest.raises(errors.FormatError):
        installed.verify_all(context).require(Product.FACE)  # a process that begins now
    later = replace(context, now=terms.not_after + 400 * DAY)
    with pytest.raises(errors.FormatError):
        installed.verify_all(later, dict(kept)).require(Product.FACE)
    revoked = revoke([terms.id], root, context.now, None)
    other = replace(terms, id="a" * 32, not_after=terms.not_after + DAY)
    path.write_bytes(issue(other, root))
    assert installed.verify_all(context, kept).require(Product.FACE).id == "a" * 32
    path.write_bytes(b"damaged")
    assert installed.verify_all(context, kept).require(Product.FACE).id == "a" * 32
    path.unlink()
    with pytest.raises(errors.LicenceMissingError):
        installed.verify_all(context, kept).require(Product.FACE)
    assert kept == {}
    path.write_bytes(good)
    installed.verify_all(context, kept)
    path.write_bytes(b"damaged")
    installed.revocations_path.write_bytes(revoked)
    with pytest.raises(errors.FormatError):
        installed.verify_all(context, kept).require(Product.FACE)


def test_renewing(installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context) -> None:
    longer = replace(terms, id="c" * 32, not_after=terms.not_after + DAY)
    with pytest.raises(errors.ArgumentError, match="not later than the installed one"):
        installed.renew(issue(replace(terms, id="c" * 32), root), context)
    with pytest.raises(errors.UdidMismatchError):
        installed.renew(issue(replace(longer, udid={"cpu": "0" * 32}), root), context)
    assert installed.verify_all(context).require(Product.FACE).id == terms.id
    assert installed.renew(issue(longer, root), context).id == "c" * 32
    with pytest.raises(errors.LicenceMissingError):
        installed.renew(issue(replace(longer, product=Product.KESTREL), root), context)


def test_a_damaged_licence_does_not_stand_in_the_way_of_its_successor(
    installed: LicenceStore, terms: Licence, root: PrivateKey, context: Context
) -> None:
    place(installed, b"garbage")
    with pytest.raises(errors.UdidMismatchError):
        installed.renew(issue(replace(terms, udid={"cpu": "0" * 32}), root), context)
    assert installed.load(Product.FACE) == b"garbage"
    assert installed.renew(issue(terms, root), context).id == terms.id


def test_the_context_of_this_machine(context: Context) -> None:
    here = context_here(now=context.now, version="1.0")
    assert (here.now, here.version) == (context.now, "1.0")
    assert here.platform.count("-") == 1
