from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.errors import ArgumentError, FormatError, SignatureError, UntrustedKeyError
from senseid_licensing.revocation import MAX_IDS, parse_revocations, revoke

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from senseid_licensing.private_key import PrivateKey

ONE, TWO = "1" * 32, "2" * 32


def test_a_list_grows_and_verifies(root: PrivateKey, now: datetime) -> None:
    first = revoke([ONE], root, now, None)
    second = parse_revocations(revoke([TWO, ONE.upper()], root, now, first))
    assert (second.ids, second.issued) == ({ONE, TWO}, now + timedelta(seconds=1))
    second.verify({root.public.id: root.public})


def test_only_a_root_may_revoke(root: PrivateKey, make_key: Callable[[str], PrivateKey], now: datetime) -> None:
    other = make_key("other")
    data = revoke([ONE], other, now, None)
    with pytest.raises(UntrustedKeyError, match="revocation list"):
        parse_revocations(data).verify({root.public.id: root.public})
    with pytest.raises(ArgumentError, match=f"signed by key {other.public.id}, not by {root.public.id}"):
        revoke([TWO], root, now, data)


def test_a_changed_list_is_refused(root: PrivateKey, now: datetime) -> None:
    data = revoke([ONE], root, now, None).replace(ONE.encode(), TWO.encode())
    with pytest.raises(SignatureError):
        parse_revocations(data).verify({root.public.id: root.public})
    with pytest.raises(SignatureError):
        revoke([TWO], root, now, data)


@pytest.mark.parametrize(
    "change",
    [
        {"revocations": {"format": "senseid-revocations/2", "issued": "2026-01-01T00:00:00Z", "ids": []}},
        {"revocations": {"format": "senseid-revocations/1", "issued": "2026-01-01T00:00:00Z", "ids": "x"}},
        {"revocations": {"format": "senseid-revocations/1", "issued": "2026-01-01T00:00:00Z", "ids": [], "x": 1}},
        {"revocations": {"format": "senseid-revocations/1", "issued": "2026-01-01T00:00:00Z", "ids": ["short"]}},
        {"revocations": []},
        {"signature": {}},
        {"more": 1},
    ],
)
def test_a_broken_list_is_refused(root: PrivateKey, now: datetime, change: dict[str, object]) -> None:
    document = {**json.loads(revoke([ONE], root, now, None)), **change}
    with pytest.raises(FormatError):
        parse_revocations(json.dumps(document).encode())


@pytest.mark.parametrize(
    "ids", [["not an id\n"], [""], ["x" * 65], ["cf8c0f4c"], [f"{number:032x}" for number in range(MAX_IDS + 1)]]
)
def test_what_no_installation_could_read_is_not_signed(root: PrivateKey, now: datetime, ids: list[str]) -> None:
    with pytest.raises(ArgumentError):
        revoke(ids, root, now, None)


def test_the_largest_list_fits(root: PrivateKey, now: datetime) -> None:
    data = revoke([f"{number:032x}" for number in range(MAX_IDS)], root, now, None)
    assert len(parse_revocations(data).ids) == MAX_IDS
