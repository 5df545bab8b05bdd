"""Encrypted bytes in memory, and telling them by their content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire
from senseid_crypto.errors import DamagedError, MissingKeyError, NotEncryptedError, TooLongError
from senseid_crypto.format import Format
from senseid_crypto.recognise import format_of
from senseid_crypto.sealed import decrypt_bytes, longest_encrypted, open_bytes, seal_bytes
from tests.crypto.helpers import data_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_crypto.key import Key

LENGTHS = [0, 1, 2, 3, 11, 4096, 65_536, 65_537, 200_000]


@pytest.fixture(params=["container", "wire"])
def encrypt(request: pytest.FixtureRequest, key: Key) -> Callable[[bytes], bytes]:
    if request.param == "wire":
        return lambda data: wire.encrypt_bytes(data, key)
    return lambda data: seal_bytes(data, key, entropy=os.urandom)


@pytest.mark.parametrize("length", LENGTHS)
def test_both_formats_open(encrypt: Callable[[bytes], bytes], key: Key, other: Key, length: int) -> None:
    data = data_of(length)
    sealed = encrypt(data)
    assert decrypt_bytes(sealed, [other, key], most=length) == data
    assert len(sealed) <= longest_encrypted(length)


@pytest.mark.parametrize("length", LENGTHS[1:])
def test_one_byte_too_many(encrypt: Callable[[bytes], bytes], length: int) -> None:
    """Told from the length alone: no key is needed."""
    with pytest.raises(TooLongError, match=f"more than {length - 1:,} bytes"):
        decrypt_bytes(encrypt(data_of(length)), [], most=length - 1)


def test_far_too_many_bytes_of_which_the_end_was_not_read(encrypt: Callable[[bytes], bytes], key: Key) -> None:
    cut = encrypt(data_of(200_000))[: longest_encrypted(100_000) + 1]
    with pytest.raises(TooLongError):
        decrypt_bytes(cut, [key], most=100_000)


def test_what_is_neither(key: Key) -> None:
    for data in (b"", b"\xff\xd8\xff" + bytes(100), b"a text with spaces, long enough", b"QUJD\nQUJD" * 10):
        with pytest.raises(NotEncryptedError):
            decrypt_bytes(data, [key], most=1000)


def test_no_key(encrypt: Callable[[bytes], bytes]) -> None:
    with pytest.raises(MissingKeyError):
        decrypt_bytes(encrypt(b"hello world"), [], most=1000)


def test_a_container_of_no_length_that_there_is(key: Key) -> None:
    with pytest.raises(DamagedError):
        decrypt_bytes(seal_bytes(b"", key, entropy=os.urandom)[:-1], [key], most=0)


def test_open_bytes_takes_containers_only(key: Key) -> None:
    assert open_bytes(seal_bytes(b"hello", key, entropy=os.urandom), [key]) == b"hello"
    with pytest.raises(NotEncryptedError):
        open_bytes(wire.encrypt_bytes(b"hello", key), [key])


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"", None),
        (b"\x89senseid\r\n\x1a\n", Format.CONTAINER),
        (b"\x89senseid\n\x1a\n" + bytes(80), None),
        (b"\x89PNG\r\n\x1a\n" + bytes(80), None),
        (b"GIF89a" + bytes(80), None),
        (b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P", Format.WIRE),
        (b"\n 7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P\r\n", Format.WIRE),
        (b"7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P\0", None),
        (b"7EWZ/NNZaCkhOV3wkALL\nWN6X2J8seC4gWa5P", None),
        (b"A" * 23, None),
        (b"A" * 22 + b"==", Format.WIRE),
        (b"A" * 22 + b"===", None),
        (b"=" * 24, None),
    ],
)
def test_formats_are_told_by_content(data: bytes, form: Format | None) -> None:
    assert format_of(data) is form


@pytest.mark.data
def test_no_photo_and_no_video_looks_encrypted(test_data: Path) -> None:
    files = [path for path in test_data.rglob("*") if path.is_file() and path.suffix not in {".tar", ".csv"}]
    assert len(files) > 50
    for path in files:
        with path.open("rb") as file:
            assert format_of(file.read(1 << 20)) is None, path
