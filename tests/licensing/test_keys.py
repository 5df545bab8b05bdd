from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from senseid_licensing.errors import ArgumentError, KeyFileError, LibraryError, SignatureError, Stid
from senseid_licensing.private_key import PrivateKey, generate, is_sealed, open_key_file
from senseid_licensing.public_key import PublicKey, parse_public_key

if TYPE_CHECKING:
    from collections.abc import Callable

# Low, so that the tests are quick; the product's own cost is far higher.
COST = 2**4


def test_rfc_8032_vector_1() -> None:
    key = PrivateKey(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.public.raw.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


def test_a_public_key_survives_its_text(root: PrivateKey) -> None:
    assert parse_public_key(root.public.to_text()) == root.public
    assert len(root.public.id) == 32


@pytest.mark.parametrize(
    "text", ["", "ssh-ed25519 AAAA", "senseid-ed25519 AAAA", "senseid-ed25519 !", "senseid-ed25519 é"]
)
def test_anything_else_is_no_public_key(text: str) -> None:
    with pytest.raises(KeyFileError, match="not a public key"):
        parse_public_key(text)


PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME


def doubled(y: int) -> int | None:
    """The y of twice a point of the curve -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032); None if no point has this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    if square and pow(square, (PRIME - 1) // 2, PRIME) != 1:
        return None
    # y of P + P = (y^2 + x^2) / (1 - d x^2 y^2)
    return (y * y + square) * pow(1 - D * square * y * y, -1, PRIME) % PRIME


def order_divides_8(y: int) -> bool:
    for _ in range(3):
        half = doubled(y)
        if half is None:
            return False
        y = half
    return y == 1


EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL = [0, 1, PRIME - 1, EIGHTH, PRIME - EIGHTH]
# Nineteen numbers below 2^255 are a second way to write a y; two of them a small one's.
WEAK = [(y + sign).to_bytes(32, "little") for y in (*SMALL, PRIME, PRIME + 1) for sign in (0, 2**255)]


@pytest.mark.parametrize("raw", WEAK, ids=bytes.hex)
def test_a_key_that_anybody_can_sign_for_is_none(raw: bytes) -> None:
    assert order_divides_8(int.from_bytes(raw, "little") % 2**255 % PRIME)
    with pytest.raises(KeyFileError, match="weak: anybody can sign for it"):
        PublicKey(raw)
    with pytest.raises(KeyFileError, match="weak"):
        parse_public_key(f"senseid-ed25519 {base64.b64encode(raw).decode()}")


def test_the_weak_keys_are_all_of_them() -> None:
    """A curve with a cofactor of 8 has eight such points: two of them with x = 0, six in three pairs of one y each."""
    assert len({y for y in SMALL if order_divides_8(y)}) == 5
    assert not order_divides_8(int.from_bytes(PrivateKey(bytes(32)).public.raw, "little") % 2**255)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33)])
def test_a_public_key_has_32_bytes(raw: bytes) -> None:
    with pytest.raises(KeyFileError, match="32 bytes"):
        PublicKey(raw)


def test_a_byte_order_mark_before_a_public_key(root: PrivateKey) -> None:
    assert parse_public_key("\ufeff" + root.public.to_text()) == root.public


def test_a_signature_holds_for_its_message_and_key_alone(
    root: PrivateKey, make_key: Callable[[str], PrivateKey]
) -> None:
    signature = root.sign(b"message")
    root.public.verify(signature, b"message")
    for key, message, value in (
        (root.public, b"massage", signature),
        (make_key("other").public, b"message", signature),
        (root.public, b"message", bytes(64)),
        (root.public, b"message", b""),
        (PublicKey(b"\xff" * 32), b"message", signature),
    ):
        with pytest.raises(SignatureError, match="does not hold"):
            key.verify(value, message)


def test_a_missing_cryptographic_library_is_said(root: PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    for act in (lambda: root.public.verify(bytes(64), b""), lambda: PrivateKey(bytes(32))):
        with pytest.raises(LibraryError, match="does not load") as caught:
            act()
        assert (caught.value.stid, caught.value.stid.text) == (-2065563655, "STID_E_LOAD_LIBRARY_FAILED")


def test_a_sealed_key_needs_the_library_too(
    root: PrivateKey, entropy: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = root.to_file("phrase", entropy, COST)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(LibraryError, match="does not load"):
        open_key_file(data, "phrase")


def test_the_highest_cost_stays_within_the_librarys_bound(
    root: PrivateKey, entropy: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL refuses a bound of 2 GiB; that of the lowest cost must be enough."""
    bounds: dict[int, int] = {}

    def scrypt(_: bytes, *, n: int, maxmem: int, **__: object) -> bytes:
        bounds[n] = maxmem
        return bytes(32)

    monkeypatch.setattr(hashlib, "scrypt", scrypt)
    root.to_file("phrase", entropy, 2**20)
    assert 2**30 < bounds[2**20] < 2**31


@pytest.mark.parametrize("cost", [2, 2**10])
def test_low_costs_have_memory_enough(root: PrivateKey, entropy: Callable[[int], bytes], cost: int) -> None:
    assert open_key_file(root.to_file("phrase", entropy, cost), "phrase").public == root.public


def test_a_private_key_hides_its_secret(root: PrivateKey) -> None:
    assert repr(root) == f"PrivateKey(id={root.public.id})"


def test_an_unsealed_key_file(root: PrivateKey, entropy: Callable[[int], bytes]) -> None:
    data = root.to_file(None, entropy)
    assert not is_sealed(data)
    assert open_key_file(data, None).public == root.public


def test_a_sealed_key_file_opens_with_its_passphrase_alone(entropy: Callable[[int], bytes]) -> None:
    key = generate(entropy)
    data = key.to_file("秘密 phrase", entropy, COST)
    assert is_sealed(data)
    assert base64.b64encode(key._seed)[:-1] not in data
    assert open_key_file(data, "秘密 phrase").public == key.public
    with pytest.raises(KeyFileError, match="passphrase is wrong"):
        open_key_file(data, "secret phrase")
    with pytest.raises(KeyFileError, match="none was given") as caught:
        open_key_file(data, None)
    assert "SENSEID_KEY_PASSPHRASE" in caught.value.remedy


def test_the_default_cost_is_owasps(root: PrivateKey, entropy: Callable[[int], bytes]) -> None:
    sealed = json.loads(root.to_file("x", entropy))
    assert (sealed["seal"]["kdf"], sealed["seal"]["cost"]) == ("scrypt", 131072)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seal", "cost"), 2**5),
        (("seal", "cost"), 6),
        (("seal", "cost"), 2**21),
        (("seal", "cost"), True),
        (("seal", "kdf"), "pbkdf2"),
        (("seal", "salt"), "AAAA"),
        (("seal", "nonce"), 7),
        (("seal",), "scrypt"),
        (("secret",), "AAAA"),
        (("public",), base64.b64encode(bytes(32)).decode()),
        (("format",), "senseid-key/2"),
    ],
)
def test_a_changed_key_file_is_refused(
    root: PrivateKey, entropy: Callable[[int], bytes], path: tuple[str, ...], value: Any
) -> None:
    document = json.loads(root.to_file("phrase", entropy, COST))
    target = document
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    with pytest.raises(KeyFileError) as caught:
        open_key_file(json.dumps(document).encode(), "phrase")
    assert caught.value.stid is Stid.INVALID_FILE_FORMAT


def test_parts_of_two_keys_do_not_make_one(root: PrivateKey, make_key: Callable[[str], PrivateKey]) -> None:
    document = json.loads(root.to_file(None, bytes))
    document["public"] = base64.b64encode(make_key("other").public.raw).decode()
    with pytest.raises(KeyFileError, match="do not belong together"):
        open_key_file(json.dumps(document).encode(), None)


@pytest.mark.parametrize("data", [b"", b"{}", b"-----BEGIN PRIVATE KEY-----"])
def test_no_key_file_at_all(data: bytes) -> None:
    with pytest.raises(KeyFileError, match="broken"):
        is_sealed(data)
    assert not issubclass(KeyFileError, ArgumentError)
