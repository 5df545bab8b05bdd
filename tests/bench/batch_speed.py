"""`python -m tests.bench.batch_speed [--photos N] [--rounds N] [--peer-python FILE] [--json FILE]`: many photos.

Photos of LFW, each figure of a round in turn with the others. Promises: ten pairs a photo take at most 1.15 times the
time to encode the photos, and two cores encode at least 1.7 times as many as one (issue 8); at least 5 times as many as
`face_recognition` (dlib's detector with one upsampling, 5 points and ResNet) at 250x250, and 12 times at 640x480 (issue
14): its time grows with the photo, ours hardly. Also the plainest loop over our own `compare`, and the memory of many
pairs.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from senseid.models import Models
from senseid.tables.manifest import Row
from senseid_cli.batch.executors import Local
from senseid_cli.batch.jobs import BatchSettings, compare
from senseid_cli.batch.rows import work_through
from senseid_cli.batch.work import Refusal
from senseid_cli.batch.work_queue import NoCache, WorkQueue
from senseid_engine.batch.scorer import Scorer
from senseid_engine.errors import EngineError
from senseid_engine.image import decode_image
from senseid_engine.photo_options import PhotoOptions
from senseid_models.registry import Registry
from tests.archives import some_photos, unpack
from tests.bench.peers import Peer, open_peer
from tests.bench.report import Report, UnavailableError, at_least, at_most, parser_of, run, test_data
from tests.bench.report import Row as Figure
from tests.bench.surroundings import licences, sample_photos

if TYPE_CHECKING:
    from senseid_cli.batch.work import Medium

NAME = "batch_speed"
PAIRS_A_PHOTO = 10
MOST_OF_ENCODING = 1.15
LEAST_OF_ONE_CORE = 1.7
# By the size of the photo.
LEAST_OF_PEER = {"250x250 (LFW)": 5.0, "640x480 (samples)": 12.0}
FOR_PEER = 20
MOST_GROWTH = 20.0
MOST_REFUSED = 0.02
SETTINGS = BatchSettings(0.7, PhotoOptions())


class Batch:
    """The machinery of `senseid batch`, without the command line."""

    def __init__(self, models: Models, folder: Path, names: list[str]) -> None:
        self._tools = models
        self._folder = folder
        self.names = names
        self._job = compare(SETTINGS, Scorer.open(Registry.builtin()))

    def encode(self, slots: int) -> float:
        """Seconds to encode every photo."""
        queue = self._desk(slots)
        work = self._job.works["first"]
        start = time.perf_counter()
        answers = [asked.result() for asked in [queue.ask(self._folder / name, work) for name in self.names]]
        seconds = time.perf_counter() - start
        queue.close()
        refused = sum(isinstance(answer, Refusal) for answer in answers)
        if refused > MOST_REFUSED * len(answers):
            raise UnavailableError(f"{refused} of {len(answers)} photos cannot be encoded")
        return seconds

    def pairs(self, slots: int) -> tuple[float, float]:
        """Seconds for ten pairs a photo, and MiB that the memory grew in the last nine tenths of them."""
        rng = random.Random(0)
        count = PAIRS_A_PHOTO * len(self.names)
        # Every photo is named, as in a manifest that is worth a batch.
        first = [*self.names, *(rng.choice(self.names) for _ in range(count - len(self.names)))]
        rows = (Row(i, {"first": name, "second": rng.choice(self.names)}) for i, name in enumerate(first, 1))
        queue, process, early = self._desk(slots), psutil.Process(), 0
        start = time.perf_counter()
        for record in work_through(rows, self._job, self._folder, queue, slots):
            if record["row"] == count // PAIRS_A_PHOTO:
                early = process.memory_info().rss
        seconds = time.perf_counter() - start
        queue.close()
        return seconds, (process.memory_info().rss - early) / 2**20

    def _desk(self, slots: int) -> WorkQueue:
        def read(path: Path, medium: Medium) -> bytes:
            return path.read_bytes()

        return WorkQueue(Local(self._tools, slots), read, NoCache())


def loop(models: Models, photos: list[Path]) -> float:
    """Seconds a pair of the plainest loop: read two photos, compare them, next."""
    start = time.perf_counter()
    for first, second in pairwise(photos):
        a, b = (decode_image(path.read_bytes(), name=path.name) for path in (first, second))
        try:
            models.engine.compare(a, b)
        except EngineError:
            continue
    return (time.perf_counter() - start) / (len(photos) - 1)


def measure(count: int, rounds: int, peer_python: str | None) -> Report:
    """Measure everything in turn."""
    verified = licences()
    models = Models(lambda: verified, threads=1)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        photos = unpack(test_data() / "lfw-pairs.tar", folder, some_photos(count))
        some = photos[:: max(1, len(photos) // FOR_PEER)][:FOR_PEER]
        samples = []
        for number, data in enumerate(sample_photos("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")):
            samples.append(folder / f"{number}.jpg")
            samples[-1].write_bytes(data)
        sizes = dict(zip(LEAST_OF_PEER, (some, samples), strict=True))
        rivals = {
            size: stack.enter_context(open_peer("face_recognition", peer_python, [path.read_bytes() for path in shown]))
            for size, shown in sizes.items()
        }
        seconds: dict[str, list[float]] = {}
        batch = Batch(models, folder, [str(path.relative_to(folder)) for path in photos])
        loop(models, photos[:3])  # to warm up
        for _ in range(rounds):
            _round(batch, models, some, seconds)
            for size, shown in sizes.items():
                _beside_peer(
                    size, Batch(models, folder, [str(path.resolve()) for path in shown]), rivals[size], seconds
                )
    return _report(seconds, count, rounds, rivals)


def _beside_peer(size: str, batch: Batch, rival: Peer | str, seconds: dict[str, list[float]]) -> None:
    """The same photos, by the batch on two cores and by face_recognition."""
    count = len(batch.names)
    seconds.setdefault(f"batch {size}", []).append(batch.encode(2) / count)
    if isinstance(rival, Peer):
        rival.step()
        seconds.setdefault(f"peer {size}", []).append(rival.wall[-1] / count)


def _round(batch: Batch, models: Models, some: list[Path], seconds: dict[str, list[float]]) -> None:
    count = len(batch.names)
    took = {"one core": batch.encode(1) / count, "two cores": batch.encode(2) / count}
    pairs, grown = batch.pairs(2)
    took |= {"pairs": pairs / count, "grown": grown, "loop": loop(models, some)}
    for name, value in took.items():
        seconds.setdefault(name, []).append(value)


def _report(seconds: dict[str, list[float]], count: int, rounds: int, rivals: dict[str, Peer | str]) -> Report:
    best = {name: min(values) for name, values in seconds.items()}
    rows = [
        Figure("one core, a photo", "ms", _milliseconds(seconds["one core"])),
        Figure("two cores, a photo", "ms", _milliseconds(seconds["two cores"])),
        Figure(f"two cores, a photo and {PAIRS_A_PHOTO} pairs of it", "ms", _milliseconds(seconds["pairs"])),
        Figure("plainest loop over compare, a pair", "ms", _milliseconds(seconds["loop"])),
        Figure("memory added by the last 90 % of the pairs", "MiB", tuple(seconds["grown"])),
    ]
    promises = [
        at_most("pairs / encoding, two cores", best["pairs"] / best["two cores"], MOST_OF_ENCODING),
        at_least("two cores / one core", best["one core"] / best["two cores"], LEAST_OF_ONE_CORE),
        at_most("memory added by the last 90 % of the pairs", best["grown"], MOST_GROWTH, unit="MiB"),
    ]
    notes = ["Each promise is judged by the fastest round of both sides: other work on the machine only slows."]
    for size, rival in rivals.items():
        rows.append(Figure(f"two cores, {size}", "ms", _milliseconds(seconds[f"batch {size}"])))
        if isinstance(rival, Peer):
            rows.append(Figure(f"face_recognition, {size}", "ms", _milliseconds(seconds[f"peer {size}"])))
            promises.append(
                at_least(
                    f"two cores / face_recognition, {size}",
                    best[f"peer {size}"] / best[f"batch {size}"],
                    LEAST_OF_PEER[size],
                )
            )
    reasons = {rival for rival in rivals.values() if isinstance(rival, str)}
    notes += [f"face_recognition is left out: {reason}" for reason in reasons]
    per_pair = best["pairs"] / PAIRS_A_PHOTO
    notes.append(f"The loop takes {best['loop'] / per_pair:.1f} times as long for a pair as the batch.")
    return Report(
        title=f"{count:,} photos of LFW, {PAIRS_A_PHOTO * count:,} pairs of them",
        counts=f"{rounds} rounds, all figures of a round in turn",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=tuple(notes),
    )


def _milliseconds(seconds: list[float]) -> tuple[float, ...]:
    return tuple(1000 * value for value in seconds)


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Many photos and pairs against encoding, one core, face_recognition and a plain loop.")
    parser.add_argument("--photos", type=int, default=1000, metavar="N", help="photos (default: 1000)")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="rounds to measure (default: 2)")
    parser.add_argument("--peer-python", metavar="FILE", help="one that has face_recognition")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.photos, words.rounds, words.peer_python), words.json)


if __name__ == "__main__":
    sys.exit(main())
