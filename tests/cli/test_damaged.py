"""Thousands of damaged containers and wire texts: nothing of them gets a name, and nothing unauthentic is printed."""

from __future__ import annotations

import io
import random
import sys
import tempfile
from typing import TYPE_CHECKING

import psutil
import pytest

from senseid_cli import app as cli
from senseid_crypto import container, wire
from senseid_crypto.chunks import CHUNK, TAG
from senseid_crypto.key import generate_key
from senseid_crypto.sealed import seal_bytes
from tests.counts import count

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTAINERS = count(300, 4000)
SOURCE = random.Random(7)
KEY = generate_key(SOURCE.randbytes)
PLAINS = [SOURCE.randbytes(length) for length in (0, 1, 5000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 1000)]
SEALED = [seal_bytes(plain, KEY, entropy=SOURCE.randbytes) for plain in PLAINS]
TEXTS = [wire.encrypt_bytes(plain, KEY) for plain in PLAINS]
STEP = CHUNK + TAG


class Damage:
    """Damages files; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one(self) -> tuple[bytes, bytes]:
        """A damaged file, and what it held before."""
        number = self.random.randrange(len(PLAINS))
        whole = (SEALED if self.random.random() < 0.8 else TEXTS)[number]
        kinds: list[Callable[[bytes], bytes]] = [
            self.flipped, self.flipped, self.cut, self.cut_at_a_chunk, self.longer, self.taken_out, self.zeroed,
            self.chunk_moved, self.chunk_twice, self.chunk_lost, self.of_another, self.header_of_another, self.put_in,
        ]  # fmt: skip
        damaged = whole
        while damaged == whole:
            damaged = self.random.choice(kinds)(whole)
        return damaged, PLAINS[number]

    def place(self, data: bytes) -> int:
        """Anywhere, or near a border of the format."""
        borders = [0, 12, 13, 21, 53, container.HEADER, container.HEADER + STEP, container.HEADER + 2 * STEP, len(data)]
        near = self.random.choice(borders) + self.random.randrange(-2, 3)
        return min(max(near if self.random.random() < 0.5 else self.random.randrange(len(data)), 0), len(data) - 1)

    def flipped(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self.random.choice([1, 1, 3, 20])):
            changed[self.place(data)] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def cut(self, data: bytes) -> bytes:
        return data[: self.place(data)]

    def cut_at_a_chunk(self, data: bytes) -> bytes:
        return data[: container.HEADER + STEP * self.random.randrange(4)]

    def longer(self, data: bytes) -> bytes:
        return data + self.random.choice([b"\0", self.random.randbytes(TAG), data, data[container.HEADER :], b"\n="])

    def taken_out(self, data: bytes) -> bytes:
        at = self.place(data)
        return data[:at] + data[at + self.random.randrange(1, 100) :]

    def put_in(self, data: bytes) -> bytes:
        at = self.place(data)
        return data[:at] + self.random.randbytes(self.random.randrange(1, 100)) + data[at:]

    def zeroed(self, data: bytes) -> bytes:
        at = self.place(data)
        length = min(self.random.choice([1, 16, 512, 4096]), len(data) - at)
        return data[:at] + bytes(length) + data[at + length :]

    def chunks(self, data: bytes) -> tuple[bytes, list[bytes]]:
        body = data[container.HEADER :]
        return data[: container.HEADER], [body[at : at + STEP] for at in range(0, len(body), STEP)]

    def chunk_moved(self, data: bytes) -> bytes:
        header, chunks = self.chunks(data)
        self.random.shuffle(chunks)
        return header + b"".join(chunks)

    def chunk_twice(self, data: bytes) -> bytes:
        header, chunks = self.chunks(data)
        chunks.insert(self.random.randrange(len(chunks) + 1), self.random.choice(chunks or [b"x"]))
        return header + b"".join(chunks)

    def chunk_lost(self, data: bytes) -> bytes:
        header, chunks = self.chunks(data)
        return header + b"".join(chunks[: self.random.randrange(len(chunks) + 1)])

    def of_another(self, data: bytes) -> bytes:
        """The end of another one under the same key."""
        other = self.random.choice(SEALED)
        at = self.random.choice([container.HEADER, container.HEADER + STEP, self.place(data)])
        return data[:at] + other[at:]

    def header_of_another(self, data: bytes) -> bytes:
        return self.random.choice(SEALED)[: container.HEADER] + data[container.HEADER :]


@pytest.mark.slow
def test_damaged_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    work, scratch = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    scratch.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for name, value in (
        ("SENSEID_HOME", str(tmp_path / "home")),
        ("PARAM_DECRYPT_KEY", KEY.secret.decode()),
        ("PARAM_DECRYPT_IV", KEY.fixed_iv.decode()),
    ):
        monkeypatch.setenv(name, value)
    damage = Damage(3)
    statuses: dict[int, int] = {}
    memory = []
    for number in range(CONTAINERS):
        data, plain = damage.one()
        if data in SEALED or data in TEXTS:
            continue  # another one, whole
        (work / "file").write_bytes(data)
        sink = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(sink, write_through=True))
        out = "-" if number % 2 else "out"
        status = cli.run(["decrypt", "file", "-o", out])
        statuses[status] = statuses.get(status, 0) + 1
        if status == 0:  # blanks around wire text are free
            assert data.strip(wire.BLANKS) in TEXTS, number
            assert (sink.getvalue() if out == "-" else (work / out).read_bytes()) == plain
            (work / "out").unlink(missing_ok=True)
        else:
            assert status == 6, number
            assert sink.getvalue() == b"", number
        assert [path.name for path in work.iterdir()] == ["file"], number
        assert not list(scratch.iterdir()), number
        if number % (CONTAINERS // 10) == 0:
            memory.append(psutil.Process().memory_info().rss)
            capfd.readouterr()
    monkeypatch.undo()
    assert statuses[6] > 0.95 * CONTAINERS
    assert memory[-1] < 1.1 * memory[1]
    with capfd.disabled():
        print(f"\n{CONTAINERS} damaged files: {statuses}, memory {memory[1] >> 20} to {memory[-1] >> 20} MiB")
