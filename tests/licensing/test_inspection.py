"""What a file says before anybody trusts it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.errors import KeyFileError, LicensingError, Stid
from senseid_licensing.inspection import inspect
from senseid_licensing.revocation import revoke
from senseid_licensing.udid.udid_file import format_udid_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.private_key import PrivateKey
    from senseid_licensing.udid.fingerprint import Fingerprint


def test_a_public_key(root: PrivateKey) -> None:
    assert inspect(root.public.to_text().encode()) == {"kind": "public key", "key": root.public.id}
    with pytest.raises(KeyFileError):
        inspect(b"senseid-ed25519 AAAA")


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_private_key_tells_no_secret(
    root: PrivateKey, entropy: Callable[[int], bytes], passphrase: str | None
) -> None:
    data = root.to_file(passphrase, entropy, cost=2)
    told = inspect(data)
    assert told == {"kind": "private key", "key": root.public.id, "sealed": passphrase is not None}
    with pytest.raises(KeyFileError):
        inspect(data.replace(b'"public": "', b'"public": "AAAA'))


def test_a_revocation_list(root: PrivateKey) -> None:
    data = revoke(["ff" * 16, "aa" * 16], root, datetime(2026, 11, 24, tzinfo=UTC), None)
    assert inspect(data) == {
        "kind": "revocation list",
        "issued": "2026-11-24T00:00:00Z",
        "signed_by": root.public.id,
        "ids": ["aa" * 16, "ff" * 16],
    }


def test_a_machine(make_machine: Callable[..., Fingerprint]) -> None:
    machine = make_machine(cpu="c", disk="d")
    data = format_udid_file(machine)
    assert inspect(data) == {"kind": "machine", "udid": machine.udid, "components": ["cpu", "disk"]}
    with pytest.raises(LicensingError, match="do not belong together"):
        inspect(data + b"nic " + b"0" * 32)


@pytest.mark.parametrize("data", [b"x", b"{}", b'{"format": ["senseid-key/1"]}', b"\xff" * 300, b"\n" * 300])
def test_everything_else_is_judged_as_a_licence(data: bytes) -> None:
    with pytest.raises(LicensingError) as caught:
        inspect(data)
    assert caught.value.stid in {Stid.INVALID_FILE_FORMAT, Stid.INVALID_ARG}
