from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing import errors
from senseid_licensing.capability import Capability
from senseid_licensing.issue import issue
from senseid_licensing.issue_log import issue_log_path
from senseid_licensing.private_key import PrivateKey, open_key_file
from senseid_licensing.product import Product
from senseid_licensing.quickstart import Quickstart, quickstart
from senseid_licensing.store import LicenceStore
from senseid_licensing.udid.fingerprint import Fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.licence import Licence

Entropy = Callable[[int], bytes]


@pytest.fixture
def new(tmp_path: Path) -> LicenceStore:
    return LicenceStore(tmp_path / "data")


def run(store: LicenceStore, context: Context, entropy: Entropy, passphrase: str | None = None) -> Quickstart:
    return quickstart(store, context, licensee="me", entropy=entropy, passphrase=passphrase)


def test_everything_works_for_thirty_days_after_one_call(new: LicenceStore, context: Context, entropy: Entropy) -> None:
    done = run(new, context, entropy)
    assert (done.created, done.sealed, done.replaced) == (True, False, ())
    licences = new.verify_all(context)
    for product in Product:
        for capability in Capability:
            licence = licences.require(product, capability)
            assert (licence.days_left, licence.licensee) == (30, "me")
    late = new.verify_all(replace(context, now=context.now + timedelta(days=30, seconds=1)))
    with pytest.raises(errors.ExpiredError):
        late.require(Product.FACE)


def test_of_two_at_once_the_first_makes_the_key_and_both_use_it(
    new: LicenceStore, context: Context, entropy: Entropy
) -> None:
    first: list[Quickstart] = []

    def interrupted(length: int) -> bytes:
        """Let another quickstart do everything after this one has found no key."""
        if not first:
            first.append(run(new, context, entropy))
        return entropy(length)

    second = run(new, context, interrupted)
    assert (first[0].created, second.created) == (True, False)
    assert open_key_file(second.key_path.read_bytes(), None).public.id == first[0].key_id == second.key_id
    assert [path.stem for path in new.root_files()] == [first[0].key_id]


def test_the_key_is_its_owners_alone_and_every_licence_is_logged(
    new: LicenceStore, context: Context, entropy: Entropy
) -> None:
    done = run(new, context, entropy)
    assert stat.S_IMODE(done.key_path.stat().st_mode) == 0o600
    log = [json.loads(line) for line in issue_log_path(done.key_path).read_text().splitlines()]
    assert [entry["licence"]["id"] for entry in log] == [licence.id for licence in done.licences]
    assert {entry["key"] for entry in log} == {done.key_id}


def test_running_it_again_keeps_the_key_and_issues_afresh(
    new: LicenceStore, context: Context, entropy: Entropy
) -> None:
    first = run(new, context, entropy)
    later = replace(context, now=context.now + timedelta(days=40))
    second = run(new, later, entropy)
    assert (second.created, second.key_id, second.replaced) == (False, first.key_id, tuple(Product))
    assert new.verify_all(later).require(Product.FACE).days_left == 30


def test_a_vendors_licence_stays_while_it_is_valid(
    new: LicenceStore, context: Context, entropy: Entropy, terms: Licence, root: PrivateKey
) -> None:
    new.trust(root.public)
    new.install(issue(terms, root), context)
    done = run(new, context, entropy)
    assert [licence.id for licence in done.kept] == [terms.id]
    assert {licence.product for licence in done.licences} == {Product.KESTREL, Product.LIVENESS}
    later = replace(context, now=terms.not_after + timedelta(days=1))
    assert run(new, later, entropy).kept == ()
    assert new.verify_all(later).require(Product.FACE).root_key == done.key_id


def test_it_is_the_way_out_of_a_clock_that_ran_ahead(new: LicenceStore, context: Context, entropy: Entropy) -> None:
    run(new, replace(context, now=context.now + timedelta(days=4000)), entropy)
    run(new, context, entropy)
    assert new.verify_all(context).require(Product.FACE)


def test_a_passphrase_seals_the_key(new: LicenceStore, context: Context, entropy: Entropy) -> None:
    done = run(new, context, entropy, "phrase")
    assert done.sealed
    assert isinstance(open_key_file(done.key_path.read_bytes(), "phrase"), PrivateKey)
    with pytest.raises(errors.KeyFileError, match=f"^{done.key_path}: the key file is sealed .* none was given"):
        run(new, context, entropy)
    assert run(new, context, entropy, "phrase").sealed


def test_a_vendors_build_has_no_quickstart(
    tmp_path: Path, root: PrivateKey, context: Context, entropy: Entropy
) -> None:
    policy = tmp_path / "trust.toml"
    policy.write_text(f'trust = "embedded"\nroots = ["{root.public.to_text().strip()}"]\n')
    store = LicenceStore(tmp_path / "data", policy=policy)
    with pytest.raises(errors.ArgumentError, match="vendor's licences only") as caught:
        run(store, context, entropy)
    assert (caught.value.stid, caught.value.stid.text) == (-1, "STID_E_INVALID_ARG")
    assert not store.data_dir.exists()


def test_a_machine_that_shows_nothing_gets_nothing(new: LicenceStore, context: Context, entropy: Entropy) -> None:
    with pytest.raises(errors.UdidError):
        run(new, replace(context, machine=Fingerprint(())), entropy)
    assert not new.data_dir.exists()


def test_a_data_directory_that_cannot_be_written(tmp_path: Path, context: Context, entropy: Entropy) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.LicensingError, match="file"):
        run(LicenceStore(tmp_path / "file"), context, entropy)


def test_what_is_refused_makes_nothing(new: LicenceStore, context: Context, entropy: Entropy) -> None:
    with pytest.raises(errors.ClockError, match="the clock shows 1970-01-01T00:00:00Z"):
        run(new, replace(context, now=datetime(1970, 1, 1, tzinfo=UTC)), entropy)
    assert not new.data_dir.exists()
    new.roots_dir.mkdir(parents=True)
    (new.roots_dir / "x.pub").write_text("junk")
    with pytest.raises(errors.KeyFileError, match=r"x\.pub: not a public key"):
        run(new, context, entropy)
    assert [path.name for path in new.data_dir.rglob("*") if path.is_file()] == ["x.pub"]
