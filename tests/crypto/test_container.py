"""The container: what goes in comes out, and nothing else opens."""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senseid_crypto import chunks, container
from senseid_crypto.chunks import CHUNK, TAG
from senseid_crypto.errors import DamagedError, DecryptionError, MissingKeyError, NotEncryptedError, VersionError
from senseid_crypto.key import Key, generate_key, parse_key
from tests.crypto.helpers import data_of, fixed, joined, seal, unseal

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = parse_key("KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", None)
BATCH = 16 * CHUNK
EDGES = sorted(
    {
        max(0, edge + step)
        for edge in (0, CHUNK, 2 * CHUNK, BATCH, BATCH + CHUNK, 2 * BATCH, 3 * BATCH)
        for step in (-1, 0, 1)
    }
)
# Four chunks: full, full, full, short.
PLAIN = data_of(3 * CHUNK + 1000)
SEALED = seal(PLAIN, KEY)
STARTS = [container.HEADER + number * (CHUNK + TAG) for number in range(4)]
# Every border in the file: of the header's fields, of each chunk and of each tag.
BORDERS = sorted(
    {0, 12, 13, 21, 53, 85, *STARTS, *(start + CHUNK for start in STARTS[:3]), len(SEALED) - TAG, len(SEALED)}
)


def near(borders: list[int]) -> st.SearchStrategy[int]:
    """A place at a border or beside it, and sometimes anywhere."""
    beside = st.tuples(st.sampled_from(borders), st.sampled_from([-17, -16, -2, -1, 0, 1, 2, 15, 16, 17])).map(sum)
    return st.one_of(beside, st.integers(0, len(SEALED))).map(lambda at: min(max(at, 0), len(SEALED)))


def opens_to_nothing(data: bytes, threads: int = 1) -> None:
    """It is refused, and what was given out before is a true beginning and not the whole."""
    given_out = bytearray()
    with pytest.raises(DecryptionError):
        given_out.extend(
            byte for piece in container.decrypt(io.BytesIO(data), [KEY], threads=threads) for byte in piece
        )
    assert PLAIN.startswith(given_out)
    assert len(given_out) < len(PLAIN)


@pytest.mark.parametrize("length", EDGES)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_length_at_an_edge(length: int, threads: int) -> None:
    data = data_of(length)
    sealed = seal(data, KEY, threads=threads)
    assert len(sealed) == container.encrypted_length(length)
    assert container.plain_length(len(sealed)) == length
    assert unseal(sealed, KEY, threads=threads) == data
    assert sealed == seal(data, KEY, threads=1)


def test_lengths_that_no_container_has() -> None:
    for length in (0, 1, 84, 85, 100, 85 + CHUNK + 2 * TAG, 85 + CHUNK + TAG + 1):
        assert container.plain_length(length) is None


@settings(suppress_health_check=[HealthCheck.large_base_example, HealthCheck.data_too_large])
@given(st.integers(0, 2 * CHUNK + 2), st.randoms(use_true_random=False))
def test_a_source_that_gives_little_at_a_time(length: int, random: object) -> None:
    data = data_of(length)

    class Dribble(io.BytesIO):
        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            return super().readinto(memoryview(buffer)[: random.choice([1, 1000, CHUNK])])  # type: ignore[attr-defined]

    sealed = joined(container.encrypt(Dribble(data), KEY, entropy=fixed))
    assert sealed == seal(data, KEY)
    assert joined(container.decrypt(Dribble(sealed), [KEY])) == data


# What an attacker or a broken disk may do.


@settings(max_examples=300)
@given(near(BORDERS), st.integers(0, 7), st.sampled_from([1, 3]))
def test_a_flipped_bit(at: int, bit: int, threads: int) -> None:
    at = min(at, len(SEALED) - 1)
    changed = bytearray(SEALED)
    changed[at] ^= 1 << bit
    opens_to_nothing(bytes(changed), threads)


@settings(max_examples=300)
@given(near(BORDERS))
def test_a_cut(at: int) -> None:
    opens_to_nothing(SEALED[: min(at, len(SEALED) - 1)])


@settings(max_examples=200)
@given(near(BORDERS), near(BORDERS))
def test_a_part_cut_out(one: int, other: int) -> None:
    start, end = sorted((one, other))
    if start < end:
        opens_to_nothing(SEALED[:start] + SEALED[end:])


@settings(max_examples=200)
@given(near(BORDERS), near(BORDERS), near(BORDERS))
def test_a_part_put_in_or_moved(at: int, one: int, other: int) -> None:
    start, end = sorted((one, other))
    if start < end:
        opens_to_nothing(SEALED[:at] + SEALED[start:end] + SEALED[at:])


@settings(max_examples=200)
@given(near(BORDERS), st.booleans())
def test_two_containers_spliced(at: int, same_plaintext: bool) -> None:
    other = seal(PLAIN if same_plaintext else PLAIN[::-1], KEY, entropy=bytes)
    at = min(max(at, 22), len(SEALED) - 1)  # before that both are alike
    opens_to_nothing(SEALED[:at] + other[at:])


@given(st.binary(min_size=1, max_size=40))
def test_trailing_bytes(tail: bytes) -> None:
    opens_to_nothing(SEALED + tail)


@pytest.mark.parametrize(
    "tail", [SEALED, SEALED[STARTS[3] :], SEALED[STARTS[1] : STARTS[2]], bytes(CHUNK + TAG), bytes(TAG)]
)
def test_whole_parts_behind_the_end(tail: bytes) -> None:
    opens_to_nothing(SEALED + tail)


def test_chunks_exchanged_and_repeated() -> None:
    header, parts = SEALED[: STARTS[0]], [SEALED[start : start + CHUNK + TAG] for start in STARTS]
    for order in ([1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2], [0, 0, 2, 3], [0, 1, 2, 3, 3], [3], [0, 3], [0, 1, 2]):
        opens_to_nothing(header + b"".join(parts[number] for number in order))


@pytest.mark.parametrize("count", [15, 16, 17, 32])
def test_a_cut_at_every_chunk_around_a_batch(count: int) -> None:
    sealed = seal(data_of(count * CHUNK), KEY)
    for chunk in range(count):
        cut = sealed[: container.HEADER + chunk * (CHUNK + TAG)]
        with pytest.raises(DamagedError):
            unseal(cut, KEY, threads=2)


def test_every_truncation_of_a_short_one() -> None:
    sealed = seal(b"hello world", KEY)
    for length in range(len(sealed)):
        with pytest.raises(DecryptionError):
            unseal(sealed[:length], KEY)


def test_every_byte_of_a_short_one_changed() -> None:
    sealed = seal(b"hello world", KEY)
    for at in range(len(sealed)):
        for change in (1, 0x80, 0xFF):
            with pytest.raises(DecryptionError):
                unseal(sealed[:at] + bytes([sealed[at] ^ change]) + sealed[at + 1 :], KEY)


def test_an_empty_file_is_no_container() -> None:
    with pytest.raises(NotEncryptedError):
        unseal(b"", KEY)


# Keys.


def test_another_key(other: Key) -> None:
    with pytest.raises(MissingKeyError, match=KEY.id):
        unseal(SEALED, other)
    with pytest.raises(MissingKeyError):
        unseal(SEALED)


def test_a_key_that_claims_the_id_of_another(monkeypatch: pytest.MonkeyPatch, other: Key) -> None:
    monkeypatch.setattr(Key, "raw_id", KEY.raw_id)
    with pytest.raises(DamagedError, match="header"):
        unseal(SEALED, other)


def test_no_key_is_looked_for_behind_the_right_one() -> None:
    def keys() -> Iterator[Key]:
        yield generate_key(fixed)
        yield KEY
        raise AssertionError("it went on")

    assert joined(container.decrypt(io.BytesIO(SEALED), keys())) == PLAIN


def test_the_container_names_its_key() -> None:
    header = container.read_header(io.BytesIO(SEALED))
    assert header.key_id.hex() == KEY.id
    assert container.find_key(header, [KEY]) is KEY


def test_a_later_version_is_named() -> None:
    with pytest.raises(VersionError, match="version 7, this release reads version 1"):
        unseal(SEALED[:12] + b"\x07" + SEALED[13:], KEY)


# Nonces.


def test_no_two_containers_share_a_key_or_a_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bytes, bytes]] = []
    from cryptography.hazmat.primitives.ciphers import aead

    class Watched:
        def __init__(self, key: bytes) -> None:
            self.key, self.cipher = key, aead_class(key)

        def encrypt_into(self, nonce: bytes, data: bytes, extra: None, out: memoryview) -> int:
            seen.append((self.key, nonce))
            return self.cipher.encrypt_into(nonce, data, extra, out)

    aead_class = aead.ChaCha20Poly1305
    monkeypatch.setattr(aead, "ChaCha20Poly1305", Watched)
    for _ in range(20):
        seal(PLAIN, KEY, entropy=os.urandom)
    assert len(seen) == len(set(seen)) == 20 * 4
    assert len({key for key, _ in seen}) == 20


def test_the_same_file_twice_shares_nothing() -> None:
    one, two = (seal(PLAIN, KEY, entropy=os.urandom) for _ in range(2))
    assert one[:21] == two[:21]
    blocks = [{sealed[at : at + 16] for at in range(85, len(sealed) - 16, 16)} for sealed in (one, two)]
    assert not blocks[0] & blocks[1]


# Streaming.


class Endless:
    """So many zero bytes, made when they are asked for."""

    def __init__(self, length: int) -> None:
        self.left = length

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self.left)
        self.left -= count
        return count


@pytest.mark.parametrize("threads", [1, 2])
def test_it_streams(threads: int) -> None:
    """The first piece comes long before the source is read, and the pieces are small."""
    source = Endless(64 * 1024 * 1024)
    pieces = container.encrypt(source, KEY, entropy=fixed, threads=threads)
    next(pieces)
    assert len(next(pieces)) <= 16 * (CHUNK + TAG)
    assert source.left > 50 * 1024 * 1024
    pieces.close()  # type: ignore[attr-defined]


def test_leaving_early_ends_the_threads() -> None:
    import threading

    before = threading.active_count()
    pieces = chunks.encrypt_chunks(bytes(32), Endless(64 * 1024 * 1024), threads=3)
    next(pieces)
    assert threading.active_count() > before
    pieces.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
