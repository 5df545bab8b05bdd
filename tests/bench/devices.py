"""`python -m tests.bench.devices [--device NAME] [--rounds N] [--photos N] [--json FILE]`: a processor beside the CPU.

Each network alone on one thread, a warm comparison, `omni` of two photos with twelve faces each, a liveness check of a
clip of five seconds, and `senseid compare` as a new process, in turn on both, on all CPUs. Then photos of LFW are
encoded on both, and all pairs are compared: the decisions must be the same. `auto` takes a processor that takes at most
0.8 of the CPU's time (issue 19).

The clock is that of the processor's time of the process where the device is this CPU, since a busy neighbour does not
count there, and that of the wall where it is another.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.cpu import available_cpus
from senseid_engine.device import TOLERANCE, Device, check_installed
from senseid_engine.engine import Engine
from senseid_engine.errors import DeviceError, EngineError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image
from senseid_engine.liveness.detector import LivenessDetector
from senseid_engine.quality.checker import QualityChecker
from senseid_engine.session import Session, _pictures
from senseid_engine.template import similarities
from senseid_engine.video import decode_video
from senseid_models.registry import Registry
from tests.bench.liveness_speed import RATE, SECONDS, panned
from tests.bench.report import Promise, Report, Row, UnavailableError, at_most, interleave, parser_of, run
from tests.bench.surroundings import lfw_photos, licences, sample_photos
from tools.make_clip import encode_clip

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.verified import VerifiedLicences

NAME = "devices"
WARM_UP = 2
AUTO_TAKES = 0.8
JUDGED = 0.7
COLUMNS, LINES = 4, 3


class Both:
    """The same work on the CPU and on the device, with what it took."""

    def __init__(self, name: str, works: list[Callable[[], object]], clock: Callable[[], float]) -> None:
        self.name = name
        self.works = works
        self.clock = clock
        self.taken: list[list[float]] = [[], []]

    def steps(self) -> list[Callable[[], None]]:
        """One round: a step for each of the two."""
        return [partial(self._step, work, taken) for work, taken in zip(self.works, self.taken, strict=True)]

    def _step(self, work: Callable[[], object], taken: list[float]) -> None:
        start = self.clock()
        work()
        taken.append(self.clock() - start)

    def rows(self, device: Device) -> list[Row]:
        """Milliseconds on both, and their ratio."""
        cpu, other = (np.array(taken[WARM_UP:]) for taken in self.taken)
        return [
            Row(f"{self.name}: cpu", "ms", tuple(1000 * cpu)),
            Row(f"{self.name}: {device}", "ms", tuple(1000 * other)),
            Row(f"{self.name}: {device} / cpu", "", tuple(other / cpu)),
        ]


def crowd(photo: bytes) -> bytes:
    """A photo of twelve people: one, again and again."""
    from PIL import Image

    with Image.open(io.BytesIO(photo)) as one:
        tile = one.convert("RGB")
    many = Image.new("RGB", (COLUMNS * tile.width, LINES * tile.height))
    for i in range(COLUMNS * LINES):
        many.paste(tile, (i % COLUMNS * tile.width, i // COLUMNS * tile.height))
    buffer = io.BytesIO()
    many.resize((many.width // 2, many.height // 2)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(device: Device, rounds: int, photos: int) -> Report:
    """Time the work on both, in turn, and compare what they give."""
    try:
        check_installed(device)
    except DeviceError as error:
        raise UnavailableError(str(error)) from None
    registry, verified, both = Registry.builtin(), licences(), (Device.CPU, device)
    clock = time.perf_counter if device is Device.CUDA else time.process_time
    works, worst = _networks(registry, verified, both, clock)
    engines = [Engine.open(registry, verified, threads=available_cpus(), device=each) for each in both]
    works += _tasks(registry, verified, both, engines, clock)
    for work in works:
        interleave(rounds, WARM_UP, work.steps())
    with tempfile.TemporaryDirectory() as folder:
        cold = _cold(both, Path(folder), time.perf_counter if device is Device.CUDA else _of_children)
        interleave(max(3, rounds // 5), WARM_UP, cold.steps())
    rows = [row for work in (*works, cold) for row in work.rows(device)]
    apart, score, other, pairs = _decisions(engines, photos)
    slower = [work.name for work in works if work.rows(device)[2].median > AUTO_TAKES]
    return Report(
        title=f"{device} beside the CPU",
        counts=f"{rounds} rounds after {WARM_UP} to warm up, both in turn; {photos} photos of LFW, {pairs} pairs",
        rows=tuple(rows),
        promises=(
            at_most("largest difference of an output, as a share of its largest value", worst, TOLERANCE),
            Promise(f"the same decisions at a score of {JUDGED}", f"{other} of {pairs} pairs differ", other == 0),
        ),
        notes=(
            f"similarities of LFW at most {apart:.1e} apart, scores at most {score:.1e}",
            f"more than {AUTO_TAKES} of the CPU's time: {', '.join(slower) or 'nothing'}",
        ),
    )


def _networks(
    registry: Registry, verified: VerifiedLicences, both: tuple[Device, Device], clock: Callable[[], float]
) -> tuple[list[Both], float]:
    works, worst = [], 0.0
    for entry in registry.entries:
        here, there = (Session.open(entry, verified, threads=1, device=each) for each in both)
        picture = _pictures(entry.input)[:1]
        worst = max(worst, there.difference)
        works.append(Both(entry.id, [partial(each.run, picture) for each in (here, there)], clock))
    return works, worst


def _tasks(
    registry: Registry,
    verified: VerifiedLicences,
    both: tuple[Device, Device],
    engines: list[Engine],
    clock: Callable[[], float],
) -> list[Both]:
    samples = sample_photos("obama.jpg", "biden.jpg")
    one, other = (decode_image(data, name="sample") for data in samples)
    many, more = (decode_image(crowd(data), name="crowd") for data in samples)
    clip = encode_clip(panned(samples[0]), range(SECONDS * RATE), codec="libx264", time_base=Fraction(1, RATE))
    threads, detectors = available_cpus(), []
    for each in both:
        finder = FaceFinder.open(registry, verified, threads=threads, device=each)
        quality = QualityChecker.open(registry, verified, finder, threads=threads, device=each)
        detectors.append(LivenessDetector.open(registry, verified, finder, quality, threads=threads, device=each))

    def check(detector: LivenessDetector) -> None:
        detector.detect(decode_video(clip, name="clip"))

    return [
        Both("compare", [partial(engine.compare, one, other) for engine in engines], clock),
        Both("omni, 12 faces each", [partial(engine.omni, many, more) for engine in engines], clock),
        Both("liveness of 5 s", [partial(check, detector) for detector in detectors], clock),
    ]


def _cold(both: tuple[Device, Device], folder: Path, clock: Callable[[], float]) -> Both:
    """`senseid compare` as a new process, with a home in `folder`."""
    names = []
    for i, data in enumerate(sample_photos("obama.jpg", "obama2.jpg")):
        names.append(str(folder / f"{i}.jpg"))
        Path(names[-1]).write_bytes(data)
    environment = {**os.environ, "SENSEID_HOME": str(folder)}
    command = [sys.executable, "-m", "senseid_cli"]
    subprocess.run([*command, "license", "quickstart"], env=environment, check=True, capture_output=True)

    def start(device: Device) -> None:
        words = [*command, "compare", *names, "--device", device]
        subprocess.run(words, env=environment, check=True, capture_output=True)

    return Both("`senseid compare`, a new process", [partial(start, each) for each in both], clock)


def _of_children() -> float:
    """Processor seconds of the processes that were started and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _decisions(engines: list[Engine], photos: int) -> tuple[float, float, int, int]:
    """All pairs on both: differences of similarity and of score, decisions that differ, and the number of pairs."""
    found = []
    for image in lfw_photos(photos):
        try:
            found.append([engine.encode_largest(image)[1] for engine in engines])
        except EngineError:  # no face
            continue
    first, second = np.triu_indices(len(found), 1)
    z = [similarities(list(of_one), list(of_one))[first, second] for of_one in zip(*found, strict=True)]
    curve = engines[0].curve
    scores = [np.array([curve.score(float(value)) for value in values]) for values in z]
    other = (scores[0] >= JUDGED) != (scores[1] >= JUDGED)
    return float(abs(z[0] - z[1]).max()), float(abs(scores[0] - scores[1]).max()), int(other.sum()), len(first)


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "A processor beside the CPU: times, and whether it decides the same.")
    parser.add_argument("--device", type=Device, default=Device.OPENVINO, help="which one (default: openvino)")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds to measure (default: 20)")
    parser.add_argument("--photos", type=int, default=200, metavar="N", help="photos of LFW (default: 200)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.device, words.rounds, words.photos), words.json)


if __name__ == "__main__":
    sys.exit(main())
