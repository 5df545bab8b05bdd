"""`python -m tests.bench.decoder_memory [--cli N] [--json FILE]`: odd and hostile files through the whole pipeline.

Every file of `decoder`, and the largest photos that are let in, is compared with itself in a child process of its own,
forked from one that has loaded the engine; then every N-th file goes through the real command line. Promise of issue 2:
each gives a result or a coded refusal, with no crash, no hang and at most 1 GiB of memory.

The memory is the child's highest resident set: decoder, engine and what Python had loaded before the fork.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senseid.outcomes import INTERNAL, ExitStatus, outcome_of
from senseid_engine.image import MAX_BYTES, MAX_SIDE, decode_image, read_photo
from tests.bench.cold_start import senseid
from tests.bench.report import Promise, Report, Row, at_most, parser_of, run, test_data
from tests.bench.surroundings import open_engine

if TYPE_CHECKING:
    from senseid_engine.engine import Engine

NAME = "decoder_memory"
HANG_S = 60
MOST_MIB = 1024
# A child's exit status is a byte, a code is not: where the code stands in this list.
CODES = (1000, 1200, 2003, 2004, 2005, 4000, 4004)
FAILED = 99
# A process starts with its parent's highest resident set, even across exec: so a small process starts the command.
LAUNCHER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
try:
    done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=float(sys.argv[1]))
    status, body = done.returncode, done.stdout.decode()
except subprocess.TimeoutExpired:
    status, body = "none: it hung", ""
seconds, usage = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"status": status, "body": body, "seconds": seconds, "kibibytes": usage.ru_maxrss}))
"""
COMMAND_STATUSES = (ExitStatus.YES, ExitStatus.NO, ExitStatus.INPUT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: of the file.
        answer: the code, or how the process ended.
        good: whether that is a result or a coded refusal.
        seconds: from start to end.
        mebibytes: the highest resident set.
    """

    name: str
    answer: str
    good: bool
    seconds: float
    mebibytes: float


def in_a_child(engine: Engine, path: Path) -> Outcome:
    """Compare a photo with itself in a forked process that is killed where it hangs."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        signal.alarm(HANG_S)
        # libtiff writes its own remarks there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os._exit(_compare(engine, path))
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    ended = os.waitstatus_to_exitcode(status)
    good = 0 <= ended < len(CODES)
    answer = str(CODES[ended]) if good else "internal error" if ended == FAILED else f"process ended with {ended}"
    return Outcome(path.name, answer, good, seconds, usage.ru_maxrss / 1024)


def _compare(engine: Engine, path: Path) -> int:
    try:
        photo = decode_image(read_photo(path), name=path.name)
        engine.compare(photo, photo)
    except Exception as error:
        outcome = outcome_of(error)
        return FAILED if outcome is INTERNAL else CODES.index(outcome.code)
    except BaseException:
        return FAILED
    return CODES.index(1000)


def on_the_command_line(path: Path, environment: dict[str, str]) -> Outcome:
    """Compare a photo with itself by `senseid compare`."""
    command = senseid("compare", "--json", str(path), str(path))
    launcher = [sys.executable, "-c", LAUNCHER, str(HANG_S), *command]
    done = subprocess.run(launcher, capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout)
    status = found["status"]
    good = status in COMMAND_STATUSES
    answer = str(json.loads(found["body"]).get("code", 1000)) if good else f"exit status {status}"
    return Outcome(path.name, answer, good, found["seconds"], found["kibibytes"] / 1024)


def largest_photos(folder: Path) -> list[Path]:
    """Photos as large as they may be: as a JPEG, a smooth PNG and a 16-bit grey TIFF."""
    from PIL import Image

    y, x = np.indices((MAX_SIDE, MAX_SIDE), dtype=np.uint16)
    ramp = np.stack([x >> 5, y >> 5, (x + y) >> 6], axis=2).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, (MAX_SIDE // 10, MAX_SIDE // 10, 3), np.uint8)
    coarse = Image.fromarray(noise).resize((MAX_SIDE, MAX_SIDE), Image.Resampling.BICUBIC)
    made = []
    for name, photo, options in (
        ("largest.jpg", coarse, {"quality": 80}),
        ("largest.png", Image.fromarray(ramp), {}),
        ("largest-16-bit.tif", Image.fromarray(y << 3), {"compression": "tiff_adobe_deflate"}),
    ):
        buffer = io.BytesIO()
        photo.save(buffer, Image.registered_extensions()[Path(name).suffix], **options)
        assert buffer.tell() <= MAX_BYTES, f"{name} is too long to be let in"
        path = folder / name
        path.write_bytes(buffer.getvalue())
        made.append(path)
    return made


def measure(every: int) -> Report:
    """Put all files through the pipeline, and some through the command line."""
    files = sorted(path for path in (test_data() / "decoder").rglob("*") if path.is_file())
    engine = open_engine(threads=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        largest = largest_photos(folder)
        forked = [in_a_child(engine, path) for path in [*files, *largest]]
        environment = {**os.environ, "SENSEID_HOME": str(folder / "home")}
        subprocess.run(senseid("license", "quickstart"), capture_output=True, env=environment, check=True)
        commands = [on_the_command_line(path, environment) for path in [*files[::every], *largest]]
    everything = [*forked, *commands]
    bad = [outcome for outcome in everything if not outcome.good]
    codes = Counter(outcome.answer for outcome in forked if outcome.good)
    of_sample = {outcome.name: outcome.answer for outcome in forked}
    differing = [outcome.name for outcome in commands if outcome.answer != of_sample[outcome.name]]
    slowest, hungriest = max(forked, key=lambda o: o.seconds), max(everything, key=lambda o: o.mebibytes)
    return Report(
        title="odd, broken and hostile files, each compared with itself",
        counts=(
            f"{len(files)} files of `decoder` and {len(largest)} of {MAX_SIDE} x {MAX_SIDE} px, each in a process of"
            f" its own; {len(commands)} of them through the command line too"
        ),
        rows=(
            Row("a file, from pixels to score", "s", tuple(outcome.seconds for outcome in forked)),
            Row("its process's highest memory", "MiB", tuple(outcome.mebibytes for outcome in forked)),
            Row("a command, from start to end", "s", tuple(outcome.seconds for outcome in commands)),
            Row("its process's highest memory", "MiB", tuple(outcome.mebibytes for outcome in commands)),
        ),
        promises=(
            Promise("a result or a coded refusal for every file", f"{len(bad)} without", not bad),
            Promise("the command line answers with the same code", f"{len(differing)} differ", not differing),
            at_most("highest memory of a process", hungriest.mebibytes, MOST_MIB, unit="MiB"),
            at_most("slowest file, a process killed after that time", slowest.seconds, HANG_S, unit="s"),
        ),
        notes=(
            "codes: " + ", ".join(f"{code} {count} times" for code, count in sorted(codes.items())),
            f"slowest: {slowest.name}, {slowest.seconds:.2f} s; most memory: {hungriest.name}",
            *(f"{outcome.name}: {outcome.answer}" for outcome in bad),
            *(f"{name}: the command line answers otherwise" for name in differing),
        ),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Odd, broken and hostile files through the whole pipeline.")
    parser.add_argument(
        "--cli", type=int, default=10, metavar="N", help="put every N-th file through the command line (default: 10)"
    )
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.cli), words.json)


if __name__ == "__main__":
    sys.exit(main())
