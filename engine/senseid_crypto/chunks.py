"""STREAM: chunked authenticated encryption of a stream of any length at constant memory.

The construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance" (CRYPTO 2015), with the parameters of age's payload: ChaCha20-Poly1305 over chunks of 64 KiB, the
nonce an 11-byte big-endian counter and one byte that is 1 for the last chunk and 0 for the others. A chunk in another
place, a stream cut off at whatever length, and anything behind the last chunk do not authenticate. A key encrypts one
stream and no other. The last chunk is full or shorter; it is empty only if the whole plaintext is.

Chunks are worked on in batches, on as many threads as the caller allows: the library works without Python's lock, so
that one thread reads and writes while others encrypt.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from senseid_crypto.errors import DamagedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from typing import Protocol

    class Source(Protocol):
        """A readable source: `readinto` fills a buffer with at least one byte, or returns 0 at the end."""

        def readinto(self, buffer: memoryview, /) -> int | None:
            """Fill the buffer from its start and return the number of bytes."""
            ...


CHUNK: Final = 64 * 1024
"""Bytes of plaintext in a chunk."""

TAG: Final = 16
"""Bytes that encryption adds to each chunk."""

_BATCH: Final = 16
"""Chunks that are read, processed and written at once: 1 MiB, so that Python's overhead is negligible."""

_COUNTER: Final = 11


def encrypted_length(plain: int) -> int:
    """The encrypted length of so many bytes of plaintext."""
    return plain + TAG * max(1, -(-plain // CHUNK))


def plain_length(encrypted: int) -> int | None:
    """Bytes of plaintext in so many encrypted bytes; None if no plaintext has that length."""
    plain = encrypted - TAG * max(1, -(-encrypted // (CHUNK + TAG)))
    return plain if plain >= 0 and encrypted_length(plain) == encrypted else None


def encrypt_chunks(key: bytes, source: Source, *, threads: int) -> Iterator[memoryview]:
    """Encrypt everything that a source holds.

    Args:
        key: 32 bytes that have encrypted nothing before.
        source: the plaintext.
        threads: how many may encrypt at once; with 1 it happens in the calling thread.

    Yields:
        The encrypted stream in pieces. Each is valid until the next is asked for.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(key)

    def work(batch: _Batch) -> memoryview:
        made = 0
        for number, start, end, last in batch.pieces(CHUNK):
            target = batch.output[made : made + end - start + TAG]
            made += cipher.encrypt_into(_nonce(number, last=last), batch.input[start:end], None, target)
        return batch.output[:made]

    yield from _in_order(_batches(source, CHUNK, TAG, threads), work, threads)


def decrypt_chunks(key: bytes, source: Source, *, threads: int) -> Iterator[memoryview]:
    """Decrypt everything that a source holds.

    What it yields is authentic and in its place; that nothing is missing behind it is only known when it ends.

    Args:
        key: 32 bytes.
        source: the encrypted stream.
        threads: how many may decrypt at once; with 1 it happens in the calling thread.

    Yields:
        The plaintext in pieces. Each is valid until the next is asked for.

    Raises:
        DamagedError: another key, or the stream was changed, cut off or extended.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(key)

    def work(batch: _Batch) -> memoryview:
        made = 0
        for number, start, end, last in batch.pieces(CHUNK + TAG):
            plain = end - start - TAG
            if plain < 0 or (plain == 0 and number > 0):
                raise damaged()
            try:
                nonce = _nonce(number, last=last)
                made += cipher.decrypt_into(nonce, batch.input[start:end], None, batch.output[made : made + plain])
            except InvalidTag:
                raise damaged() from None
        return batch.output[:made]

    yield from _in_order(_batches(source, CHUNK + TAG, 0, threads), work, threads)


def damaged() -> DamagedError:
    """The error for data that do not authenticate."""
    return DamagedError(
        "does not decrypt: it was changed, cut off or extended since it was encrypted",
        remedy="get the file again from where it came",
    )


def read_fully(source: Source, buffer: memoryview) -> int:
    """Fill a buffer from a source that may return less at a time, as a pipe does.

    Returns:
        How many bytes: fewer than the buffer holds only at the end of the source.
    """
    filled = 0
    while filled < len(buffer):
        count = source.readinto(buffer[filled:])
        if not count:
            break
        filled += count
    return filled


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER, "big") + (b"\x01" if last else b"\x00")


class _Batch:
    """Buffers for some chunks before and after processing; reused, so that no memory is allocated."""

    __slots__ = ("first", "input", "last", "length", "output")

    def __init__(self, chunk: int, growth: int) -> None:
        self.input = memoryview(bytearray(_BATCH * chunk))
        self.output = memoryview(bytearray(_BATCH * (chunk + growth)))
        self.first = self.length = 0
        self.last = False

    def pieces(self, chunk: int) -> Iterator[tuple[int, int, int, bool]]:
        """The number of each chunk in the stream, its start and end, and whether it is the last of all."""
        # An empty stream is one empty chunk.
        starts = range(0, max(1, self.length), chunk)
        for index, start in enumerate(starts):
            end = min(start + chunk, self.length)
            yield self.first + index, start, end, self.last and index == len(starts) - 1


def _batches(source: Source, chunk: int, growth: int, threads: int) -> Iterator[_Batch]:
    """Read a source in batches and mark the last one, which is not known until nothing follows it."""
    # One is being read, one waits to know whether it is the last, one is with the caller, the rest are worked on.
    room = deque(_Batch(chunk, growth) for _ in range(threads + 3))
    held: _Batch | None = None
    first = 0
    while held is None or not held.last:
        batch = room[0]
        room.rotate(-1)
        batch.first, batch.last = first, False
        batch.length = read_fully(source, batch.input)
        first += _BATCH
        if batch.length < len(batch.input):
            if batch.length or held is None:
                batch.last = True
            else:
                held.last = True
        if held is not None:
            yield held
            if held.last:
                return
        held = batch
    yield held


def _in_order(batches: Iterator[_Batch], work: Callable[[_Batch], memoryview], threads: int) -> Iterator[memoryview]:
    """Do the work on several batches at once and give the results in the order of the batches."""
    if threads <= 1:
        yield from map(work, batches)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="senseid-crypto") as pool:
        waiting: deque[Future[memoryview]] = deque()
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
