"""Keys: what is one, what is a weak one, and that none shows itself."""

from __future__ import annotations

import copy
import os
import pickle
import secrets
import string
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_crypto.errors import KeyFormatError
from senseid_crypto.key import Key, generate_key, parse_key, weaknesses

SECRET, IV = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5"


def test_its_bytes_are_those_of_its_characters() -> None:
    key = parse_key(SECRET, IV)
    assert (key.secret, key.iv, key.fixed_iv) == (SECRET.encode(), IV.encode(), IV.encode())
    assert parse_key(SECRET, None).iv is None


def test_the_id_is_stable_and_tells_keys_apart() -> None:
    assert parse_key(SECRET, IV).id == parse_key(SECRET, None).id == "b1b51c7031412890"
    assert parse_key(SECRET[::-1], IV).id != parse_key(SECRET, IV).id


@pytest.mark.parametrize(
    ("secret", "iv", "problem"),
    [
        (SECRET[:-1], IV, "PARAM_DECRYPT_KEY has 31 characters, it must have 32"),
        (SECRET + "x", IV, "PARAM_DECRYPT_KEY has 33 characters"),
        ("", IV, "PARAM_DECRYPT_KEY has 0 characters"),
        (SECRET, IV[:-1], "PARAM_DECRYPT_IV has 11 characters, it must have 12"),
        (SECRET, IV * 2, "PARAM_DECRYPT_IV has 24 characters"),
        ("ü" * 16, IV, "PARAM_DECRYPT_KEY holds characters that are not printable ASCII"),
        ("ü" * 32, IV, "not printable ASCII"),
        (SECRET[:-1] + "\n", IV, "not printable ASCII"),
        (SECRET, IV[:-1] + "\0", "PARAM_DECRYPT_IV holds characters that are not printable ASCII"),
    ],
)
def test_what_is_no_key(secret: str, iv: str, problem: str) -> None:
    with pytest.raises(KeyFormatError, match=problem) as caught:
        parse_key(secret, iv)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.remedy
    assert not secret or secret not in told
    assert iv not in told


def test_a_generated_key_has_192_random_bits() -> None:
    key = generate_key(lambda length: bytes(range(length)))
    assert (key.secret, key.iv) == (b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", b"AAECAwQFBgcI")
    keys = [generate_key(os.urandom) for _ in range(200)]
    assert len({key.secret for key in keys}) == len({key.iv for key in keys}) == 200
    assert all(len(key.secret) == 32 and len(key.fixed_iv) == 12 for key in keys)
    assert not any(weaknesses(key) for key in keys)


@pytest.mark.parametrize(
    ("secret", "reasons"),
    [
        ("dcbbad6765e14139a07d34b92292a672", ["published default"]),
        ("3f1c9a7be0d24856b1a7c3e95d0f8264", ["32 hexadecimal digits: only 128 bits"]),
        ("3F1C9A7BE0D24856B1A7C3E95D0F8264", ["32 hexadecimal digits"]),
        ("73920184657392018465730291847561", ["32 decimal digits", "little variety"]),
        ("a" * 32, ["hexadecimal", "little variety"]),
        ("x" * 32, ["little variety"]),
        ("secret!!" * 4, ["little variety"]),
        ("abcdefghijklmnopqrstuvwxyz012345", ["little variety"]),
        (SECRET, []),
        ("g5f1c9a7be0d24856b1a7c3e95d0f826", []),
    ],
)
def test_weak_keys_are_called_out(secret: str, reasons: list[str]) -> None:
    found = weaknesses(parse_key(secret, IV))
    assert len(found) == len(reasons)
    for text, reason in zip(found, reasons, strict=True):
        assert reason in text
        assert secret not in text


@given(st.integers(0))
def test_random_hexadecimal_digits_are_always_called_out(seed: int) -> None:
    assert weaknesses(parse_key(f"{seed % 2**128:032x}", None))


def test_random_characters_are_not_called_out() -> None:
    alphabet = string.ascii_letters + string.digits
    for _ in range(500):
        assert not weaknesses(parse_key("".join(secrets.choice(alphabet) for _ in range(32)), None))


def test_it_shows_itself_nowhere() -> None:
    key = parse_key(SECRET, IV)
    for text in (repr(key), str(key), f"{key}", f"{key!r}", f"{[key]} { ({'k': key}) }"):
        assert SECRET not in text
        assert IV not in text
        assert key.id in text
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            carry(key)


def test_a_key_without_an_iv_says_what_to_do() -> None:
    with pytest.raises(KeyFormatError) as caught:
        _ = Key(SECRET.encode(), None).fixed_iv
    assert "PARAM_DECRYPT_IV" in caught.value.remedy
