"""`python -m tests.bench.liveness_speed [--rounds N] [--json FILE]`: a liveness check of a clip of five seconds.

640 x 480 at 30 frames a second, H.264, from bytes to the verdict: decoding, following the face, the stills classifier,
the evidence over time, and the selection of the frame. The models are loaded already, as in the service; the command
line as a process of its own is measured beside it. The clip is a sample photo that is panned: it is an attack, and
costs as much as a living person. Promises of issue 17: at most 1.2 s of wall time on two CPUs, at most 400 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.cpu import available_cpus
from senseid_engine.finder import FaceFinder
from senseid_engine.liveness.detector import LivenessDetector
from senseid_engine.quality.checker import QualityChecker
from senseid_engine.video import decode_video
from senseid_models.registry import Registry
from tests.bench.report import Report, Row, UnavailableError, at_most, parser_of, run
from tests.bench.surroundings import licences, sample_photos
from tools.make_clip import encode_clip

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels

NAME = "liveness_speed"
SECONDS = 5
RATE = 30
MOST_SECONDS = 1.2
MOST_MEGABYTES = 400.0
# A process of its own that checks the clip and says its peak memory. Not getrusage: its peak counts from the fork on,
# when the process was still a copy of this one.
PEAK = """
import re, sys
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from senseid_cli.app import run
status = run(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1], file=sys.stderr)
sys.exit(status)
"""


def panned(photo: bytes) -> list[Pixels]:
    """A photo that moves to and fro: uint8 (480, 640, 3) each."""
    import io

    import cv2
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), np.uint8)
    frames = []
    for i in range(SECONDS * RATE):
        angle = 2 * np.pi * i / (SECONDS * RATE)
        shift = np.array([[1, 0, 30 * np.sin(angle)], [0, 1, 12 * np.sin(2 * angle)]])
        frames.append(np.asarray(cv2.warpAffine(pixels, shift, (640, 480), borderMode=cv2.BORDER_REPLICATE), np.uint8))
    return frames


def measure(rounds: int) -> Report:
    """Check the clip, again and again, and in processes of its own."""
    if not Path("/proc/self/status").is_file():
        raise UnavailableError("this system has no /proc to read the peak of the memory from")
    photo = sample_photos("obama.jpg")[0]
    count = SECONDS * RATE
    clip = encode_clip(panned(photo), range(count), codec="libx264", time_base=Fraction(1, RATE))
    registry, verified, threads = Registry.builtin(), licences(), available_cpus()
    finder = FaceFinder.open(registry, verified, threads=threads)
    quality = QualityChecker.open(registry, verified, finder, threads=threads)
    detector = LivenessDetector.open(registry, verified, finder, quality, threads=threads)
    wall, cpu = [], []
    for _ in range(rounds + 1):
        start, used = time.perf_counter(), time.process_time()
        result = detector.detect(decode_video(clip, name="clip"))
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    process_wall, peak = _processes(clip, max(2, rounds // 3))
    rows = [
        Row("a check, models loaded: wall", "s", tuple(wall[1:])),
        Row("a check, models loaded: CPU", "s", tuple(cpu[1:])),
        Row("`senseid liveness`, a new process: wall", "s", tuple(process_wall)),
        Row("`senseid liveness`, a new process: peak memory", "MB", tuple(peak)),
    ]
    return Report(
        title=f"a liveness check of {SECONDS} s of 640 x 480 at {RATE} frames a second",
        counts=f"{rounds} rounds after 1 to warm up; {len(peak)} processes; {threads} threads",
        rows=tuple(rows),
        promises=(
            at_most("a check, wall", rows[0].median, MOST_SECONDS, unit="s"),
            at_most("peak memory of the whole process", max(peak), MOST_MEGABYTES, unit="MB"),
        ),
        notes=(
            f"{len(clip):,} bytes; {result.looked_at} frames looked at, {len(result.frames)} by the stills classifier.",
            f"verdict: {result.status}, {result.score:.4f}",
        ),
    )


def _processes(clip: bytes, count: int) -> tuple[list[float], list[float]]:
    """Wall seconds and peak megabytes of the command, with a home of its own."""
    wall, peak = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(clip)
        environment = {**os.environ, "SENSEID_HOME": folder}
        subprocess.run(
            [sys.executable, "-m", "senseid_cli", "license", "quickstart"],
            env=environment,
            check=True,
            capture_output=True,
        )
        for _ in range(count):
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", PEAK, "liveness", str(path)],
                env=environment,
                check=False,
                capture_output=True,
                text=True,
            )
            wall.append(time.perf_counter() - start)
            if done.returncode not in {0, 1}:
                raise RuntimeError(f"senseid liveness failed: {done.stderr}")
            peak.append(int(done.stderr.split()[-1]) / 1024)
    return wall, peak


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "A liveness check of a clip of five seconds.")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="rounds to measure (default: 10)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds), words.json)


if __name__ == "__main__":
    sys.exit(main())
