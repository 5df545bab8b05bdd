"""`python -m tests.bench.encryption [--rounds N] [--mebibytes N] [--large N] [--json FILE]`: the cost of the container.

Promises of issue 4: at least 0.8 of the throughput that the AEAD alone reaches, and under 100 MB of memory for a file
of 2 GB. The AEAD alone is ChaCha20-Poly1305 through the same library, over chunks of the same size, from one buffer
into another, in one thread. The container is encrypted and decrypted from a file in the system's cache by as many
threads as `senseid` uses, and thrown away: deriving keys, reading, counting and joining are in it, a disk is not.

Reading alone costs the processor a third of what the AEAD does. The threads hide that where there is a second processor
with nothing to do; on a machine that is busy with other things the share is that of the processor times, 0.6 to 0.7.

Not judged, because a disk is in it: the same from file to file, and a plain copy of the file in the same way.

Memory is that of `senseid encrypt` and `senseid decrypt` as processes, from the kernel, on a file of `--large` MiB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from senseid import installation
from senseid.output_file import new_file
from senseid_cli.crypt import options
from senseid_crypto import container, wire
from senseid_crypto.chunks import CHUNK, TAG
from tests.bench.cold_start import senseid
from tests.bench.decoder_memory import LAUNCHER
from tests.bench.report import Report, Row, at_least, at_most, interleave, parser_of, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

NAME = "encryption"
WARM_UP = 1
MOST_MB = 100
LEAST_SHARE = 0.8
MIB = 1024 * 1024


@dataclass
class Step:
    """One way to move the bytes, and what it took."""

    name: str
    work: Callable[[], None]
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        start, before = time.perf_counter(), time.process_time()
        self.work()
        self.processor.append(time.process_time() - before)
        self.seconds.append(time.perf_counter() - start)


def measure(rounds: int, mebibytes: int, large: int) -> Report:
    """Compare speeds in turn, then take the memory of two commands."""
    threads = options.write_options(force=False, delete_source=False).threads
    with tempfile.TemporaryDirectory() as name:
        steps = _steps(Files(Path(name), mebibytes * MIB, threads))
        interleave(rounds, WARM_UP, steps)
        memory, wrong = _memory(Path(name), large)
    size = mebibytes * MIB / 1e6
    aead, sealed, opened = steps[:3]
    shares = {
        step.name: [a / b for a, b in zip(aead.seconds[WARM_UP:], step.seconds[WARM_UP:], strict=True)]
        for step in (sealed, opened)
    }
    rows = [Row(f"{step.name}: throughput", "MB/s", tuple(size / s for s in step.seconds[WARM_UP:])) for step in steps]
    rows += [Row(f"{step.name}: processor", "s", tuple(step.processor[WARM_UP:])) for step in steps]
    rows += [Row(f"{name}: share of the AEAD", "", tuple(share)) for name, share in shares.items()]
    rows += [Row(f"{name}: memory", "MB", (megabytes,)) for name, megabytes in memory.items()]
    promises = [
        at_least(f"{row.name}, median of {rounds} rounds", row.median, LEAST_SHARE)
        for row in rows
        if "share" in row.name
    ]
    promises += [
        at_most(f"memory of {name} for {large} MiB", megabytes, MOST_MB, unit="MB")
        for name, megabytes in memory.items()
    ]
    return Report(
        title="containers beside the AEAD alone, and the memory that a large file takes",
        counts=f"{rounds} rounds of {mebibytes} MiB after {WARM_UP} to warm up, in turn, {threads} threads",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=tuple(wrong),
    )


class Files:
    """The files of a run, and ways to move their bytes."""

    def __init__(self, folder: Path, size: int, threads: int) -> None:
        """Write the plaintext and its container."""
        self.size, self.threads, self.key = size, threads, installation.new_key()
        self.plain, self.sealed, self.other = folder / "plain", folder / "sealed", folder / "other"
        self.block = os.urandom(MIB)
        with self.plain.open("wb") as file:
            for _ in range(size // MIB):
                file.write(self.block)
        with new_file(self.sealed, overwrite=True) as file:
            file.writelines(self.encrypted())

    def aead(self) -> None:
        """The AEAD alone, over one chunk again and again."""
        cipher = ChaCha20Poly1305(os.urandom(32))
        chunk, out = memoryview(self.block)[:CHUNK], memoryview(bytearray(CHUNK + TAG))
        for number in range(self.size // CHUNK):
            cipher.encrypt_into(number.to_bytes(12, "big"), chunk, None, out)

    def encrypted(self) -> Iterator[memoryview]:
        """The plaintext's container."""
        with self.plain.open("rb", buffering=0) as file:
            yield from container.encrypt(file, self.key, entropy=os.urandom, threads=self.threads)

    def decrypted(self) -> Iterator[memoryview]:
        """The container's plaintext."""
        with self.sealed.open("rb", buffering=0) as file:
            yield from container.decrypt(file, [self.key], threads=self.threads)

    def wired(self) -> Iterator[bytes]:
        """The plaintext in the wire format."""
        with self.plain.open("rb", buffering=0) as file:
            yield from wire.encrypt(file, self.key)

    def copied(self) -> Iterator[memoryview]:
        """The plaintext."""
        room = memoryview(bytearray(MIB))
        with self.plain.open("rb", buffering=0) as file:
            while count := file.readinto(room):
                yield room[:count]

    def write(self, pieces: Iterable[memoryview]) -> None:
        """Put pieces into a file, as the commands do."""
        with new_file(self.other, overwrite=True) as file:
            file.writelines(pieces)


def _steps(files: Files) -> list[Step]:
    def throw_away(pieces: Iterable[object]) -> None:
        for _ in pieces:
            pass

    return [
        Step("the AEAD alone", files.aead),
        Step("encrypting a container", lambda: throw_away(files.encrypted())),
        Step("decrypting a container", lambda: throw_away(files.decrypted())),
        Step("encrypting, file to file", lambda: files.write(files.encrypted())),
        Step("decrypting, file to file", lambda: files.write(files.decrypted())),
        Step("copying, file to file", lambda: files.write(files.copied())),
        Step("wire format, with Base64", lambda: throw_away(files.wired())),
    ]


def _memory(folder: Path, large: int) -> tuple[dict[str, float], list[str]]:
    """Highest resident sets of the commands, and what went wrong."""
    environment = {**os.environ, "SENSEID_HOME": str(folder / "home")}
    for variable in ("PARAM_DECRYPT_KEY", "PARAM_DECRYPT_IV"):
        environment.pop(variable, None)
    subprocess.run(senseid("key", "generate"), capture_output=True, env=environment, check=True)
    source = folder / "large"
    with source.open("wb") as file:
        file.truncate(large * MIB)  # takes no room on the disk
    memory, wrong = {}, []
    for words in (
        ("encrypt", str(source), "--out", str(folder / "large.senseid")),
        ("decrypt", str(folder / "large.senseid"), "--out", str(folder / "again")),
    ):
        launcher = [sys.executable, "-c", LAUNCHER, "1800", *senseid(*words)]
        done = subprocess.run(launcher, capture_output=True, text=True, env=environment, cwd=folder, check=True)
        found = json.loads(done.stdout)
        memory[f"senseid {words[0]}"] = found["kibibytes"] * 1024 / 1e6
        if found["status"] != 0:
            wrong.append(f"senseid {words[0]} ended with {found['status']}")
        source.unlink(missing_ok=True)
    if (folder / "again").stat().st_size != large * MIB:
        wrong.append("what was decrypted has another length")
    return memory, wrong


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Containers beside the AEAD alone.")
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="of each (default: 9)")
    parser.add_argument("--mebibytes", type=int, default=256, metavar="N", help="to encrypt a round (default: 256)")
    parser.add_argument("--large", type=int, default=2048, metavar="N", help="MiB of the large file (default: 2048)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds, words.mebibytes, words.large), words.json)


if __name__ == "__main__":
    sys.exit(main())
