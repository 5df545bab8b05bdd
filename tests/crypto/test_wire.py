"""The wire format of the service, byte for byte."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from senseid_crypto import wire
from senseid_crypto.errors import (
    DamagedError,
    DecryptionError,
    KeyFormatError,
    MissingKeyError,
    NotEncryptedError,
    TooLongError,
)
from senseid_crypto.key import Key, generate_key, parse_key
from tests.crypto.helpers import data_of, fixed, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VECTORS = [
    line.split(" ") for line in Path(__file__).with_name("vectors").joinpath("wire.txt").read_text().splitlines()
]
KEY = parse_key("dcbbad6765e14139a07d34b92292a672", "df25d188a061")
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


def streamed(data: bytes, key: Key) -> bytes:
    return joined(wire.encrypt(io.BytesIO(data), key))


def unstreamed(text: bytes, *keys: Key) -> bytes:
    key = wire.find_key(io.BytesIO(text), keys)
    return joined(wire.decrypt(io.BytesIO(text), key))


class Dribble(io.BytesIO):
    """Gives one to seven bytes at a time, as a slow pipe does."""

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        return super().readinto(memoryview(buffer)[: 1 + self.tell() % 7])


def test_the_golden_vector(key: Key) -> None:
    assert wire.encrypt_bytes(b"hello world", key) == b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P"
    assert wire.decrypt_bytes(b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P", [key]) == b"hello world"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector[2][:16] or "empty")
def test_what_java_made(vector: Sequence[str]) -> None:
    secret, iv, plain, text = vector
    key, data = parse_key(secret, iv), bytes.fromhex(plain)
    assert wire.encrypt_bytes(data, key).decode() == streamed(data, key).decode() == text
    assert wire.decrypt_bytes(text.encode(), [key]) == unstreamed(text.encode(), key) == data


@pytest.mark.parametrize("text", [b"", b"AAAA"])
def test_what_is_shorter_than_a_tag_is_cut_off_and_no_other_keys(text: bytes) -> None:
    for decrypt in (wire.decrypt_bytes, lambda data, keys: unstreamed(data, *keys)):
        with pytest.raises(DamagedError, match="it was changed, cut off or extended since it was encrypted"):
            decrypt(text, [KEY])


@pytest.mark.slow
def test_java_makes_them_again(java: Callable[[Sequence[str]], list[str]]) -> None:
    assert java([f"wire {' '.join(vector[:3])}" for vector in VECTORS]) == [vector[3] for vector in VECTORS]


def test_there_are_vectors() -> None:
    assert len(VECTORS) >= 11


@given(st.binary(max_size=200))
def test_what_is_encrypted_is_decrypted(data: bytes) -> None:
    text = wire.encrypt_bytes(data, KEY)
    assert len(text) == wire.encrypted_length(len(data))
    assert streamed(data, KEY) == text
    assert wire.decrypt_bytes(text, [KEY]) == unstreamed(text, KEY) == data


@pytest.mark.parametrize(
    "length", [3 * 64 * 1024 - 1, 3 * 64 * 1024, 3 * 64 * 1024 + 1, 256 * 1024 * 3 // 4 - 16, 500_000]
)
def test_lengths_at_the_edges_of_a_piece(key: Key, length: int) -> None:
    data = data_of(length)
    text = streamed(data, key)
    assert text == wire.encrypt_bytes(data, key)
    assert unstreamed(text, key) == data
    assert joined(wire.decrypt(Dribble(text), key)) == data
    assert joined(wire.encrypt(Dribble(data), key)) == text


@pytest.mark.parametrize("ends", [(b"", b"\n"), (b"", b"\r\n"), (b" \t\r\n", b" \n\n")])
@pytest.mark.parametrize("length", [0, 11, 300_000, 256 * 1024 * 3 // 4 - 16])
def test_blanks_at_the_ends_are_skipped(key: Key, length: int, ends: tuple[bytes, bytes]) -> None:
    data = data_of(length)
    text = ends[0] + wire.encrypt_bytes(data, key) + ends[1]
    assert wire.decrypt_bytes(text, [key]) == unstreamed(text, key) == data


def test_the_limit_of_the_cipher(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the library itself fails, with an error that is not ours."""
    for most in (0, 100, 3 * 64 * 1024, 500_000):
        monkeypatch.setattr(wire, "MOST_BYTES", most)
        text = streamed(data_of(most), key)
        assert unstreamed(text, key) == data_of(most)
        with pytest.raises(TooLongError, match="under one IV"):
            streamed(data_of(most + 1), key)
        with pytest.raises(DamagedError):
            unstreamed(wire.encrypt_bytes(data_of(most + 3), key), key)
        with pytest.raises(DamagedError):
            unstreamed(wire.encrypt_bytes(data_of(most + 500_000), key), key)


def refuses(text: bytes, *keys: Key) -> None:
    for decrypt in (lambda: wire.decrypt_bytes(text, keys), lambda: unstreamed(text, *keys)):
        with pytest.raises(DecryptionError):
            decrypt()


def test_any_other_character_is_refused(key: Key) -> None:
    """Flipped bits, and every byte there is, at every place of a text."""
    for data in (b"hello world", b"hello worl", b"hello wor"):  # each kind of padding
        text = wire.encrypt_bytes(data, key)
        for at in range(len(text)):
            for byte in range(256):
                if byte != text[at]:
                    with pytest.raises(DecryptionError):
                        wire.decrypt_bytes(text[:at] + bytes([byte]) + text[at + 1 :], [key])


def test_every_flipped_bit_is_refused_in_a_stream(key: Key) -> None:
    text = wire.encrypt_bytes(b"hello wor", key)
    for at in range(len(text)):
        for bit in range(8):
            refuses(text[:at] + bytes([text[at] ^ 1 << bit]) + text[at + 1 :], key)


def test_every_truncation_is_refused(key: Key) -> None:
    for data in (b"hello world", b"hello worl", b"hello wor", b""):
        text = wire.encrypt_bytes(data, key)
        for length in range(len(text)):
            refuses(text[:length], key)


@pytest.mark.parametrize("tail", [b"A", b"=", b"====", b"AAAA", b"\0", b"\n A", b"\x0b", b"\xff"])
def test_trailing_bytes_are_refused(key: Key, tail: bytes) -> None:
    for data in (b"hello world", b"hello worl", b"hello wor"):
        refuses(wire.encrypt_bytes(data, key) + tail, key)


def test_line_breaks_inside_are_refused(key: Key) -> None:
    text = base64.encodebytes(base64.b64decode(wire.encrypt_bytes(data_of(300_000), key)))
    for broken in (text, text[:500] + b"\n" + text[500:], b"7EWZ/NNZaCkh\nOV3wkALLWN6X2J8seC4gWa5P"):
        with pytest.raises(NotEncryptedError, match="line breaks"):
            wire.decrypt_bytes(broken, [key])
        with pytest.raises(NotEncryptedError, match="line breaks"):
            unstreamed(broken, key)


def test_the_url_alphabet_is_refused(key: Key) -> None:
    text = wire.encrypt_bytes(data_of(300), key)
    assert {b"+"[0], b"/"[0]} <= set(text)
    refuses(text.replace(b"+", b"-").replace(b"/", b"_"), key)


def test_padding_in_the_middle_is_refused(key: Key) -> None:
    half = wire.encrypt_bytes(data_of(256 * 1024 * 3 // 4 - 17), key)
    assert half.endswith(b"=")
    refuses(half + wire.encrypt_bytes(data_of(300_000), key), key)


def test_endless_blanks_take_no_memory(key: Key) -> None:
    refuses(wire.encrypt_bytes(b"hello world", key) + b" " * 1_000_000 + b"A", key)
    with pytest.raises(NotEncryptedError):
        wire.find_key(io.BytesIO(wire.encrypt_bytes(b"", key) + b"\n" * 1_000_000), [key])


@given(st.binary(max_size=60).map(lambda data: bytes(ALPHABET[byte % 65] for byte in data)))
@example(b"")
@example(b"=" * 24)
def test_other_base64_is_refused(text: bytes) -> None:
    refuses(text, KEY)


def test_two_texts_spliced_are_refused(key: Key) -> None:
    one, two = (wire.encrypt_bytes(data_of(48)[::step], key) for step in (1, -1))
    for at in range(4, len(one), 4):
        refuses(one[:at] + two[at:], key)


def test_another_key_or_iv_is_refused(key: Key, other: Key) -> None:
    text = wire.encrypt_bytes(b"hello world", key)
    for wrong in (other, Key(key.secret, other.iv), Key(other.secret, key.iv)):
        with pytest.raises(DamagedError, match="another key or IV"):
            wire.decrypt_bytes(text, [wrong])
        with pytest.raises(DamagedError, match="another key or IV"):
            unstreamed(text, wrong)
        with pytest.raises(DamagedError):
            joined(wire.decrypt(io.BytesIO(text), wrong))


def test_the_right_one_of_several_keys_is_found(key: Key, other: Key) -> None:
    text = wire.encrypt_bytes(data_of(400_000), key)
    keys = [Key(key.secret, None), other, key, generate_key(fixed)]
    assert wire.decrypt_bytes(text, keys) == unstreamed(text, *keys) == data_of(400_000)


def test_a_key_without_an_iv(key: Key) -> None:
    bare = Key(key.secret, None)
    for encrypt in (lambda: wire.encrypt_bytes(b"", bare), lambda: streamed(b"", bare)):
        with pytest.raises(KeyFormatError, match="has no IV"):
            encrypt()
    for keys in ([], [bare]):
        with pytest.raises(MissingKeyError, match="no key with an IV"):
            wire.decrypt_bytes(wire.encrypt_bytes(b"", key), keys)


def test_the_warning_is_true(key: Key) -> None:
    """Why the wire format is not for files at rest: two texts XOR to the XOR of what they hide."""
    one, two = data_of(100), bytes(range(100))
    first, second = (base64.b64decode(wire.encrypt_bytes(data, key)) for data in (one, two))
    assert bytes(a ^ b for a, b in zip(first[:100], second[:100], strict=True)) == bytes(
        a ^ b for a, b in zip(one, two, strict=True)
    )
