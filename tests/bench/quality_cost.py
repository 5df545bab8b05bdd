"""`python -m tests.bench.quality_cost [--json FILE]`: what quality costs over finding the face, on one thread.

Finding the face and measuring its quality in turn on the same photo of 640x480 pixels. On a machine that others use,
the least time says most: nothing makes code faster than it is. Promise of issue 5: at most 6 ms a face.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from senseid_engine.image import decode_image
from tests.bench.report import Report, Row, at_most, interleave, parser_of, run
from tests.bench.surroundings import open_quality, sample_photos

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "quality_cost"
MOST_MS = 6.0
ROUNDS, WARM_UP = 60, 5


def timed(step: Callable[[], object], spent: list[float]) -> Callable[[], None]:
    """The step, that writes down its milliseconds."""

    def run_once() -> None:
        start = time.perf_counter()
        step()
        spent.append(1000 * (time.perf_counter() - start))

    return run_once


def measure() -> Report:
    """Measure."""
    (data,) = sample_photos("obama.jpg")
    image = decode_image(data, name="obama.jpg")
    checker = open_quality(threads=1)
    face = checker.finder.find(image).faces[0]
    steps = {
        "find the face": lambda: checker.finder.find(image),
        "measure its quality": lambda: checker.measure(image, face),
        "of that, occlusion": lambda: checker.occlusion.estimate(image.pixels, face),
    }
    spent: dict[str, list[float]] = {name: [] for name in steps}
    interleave(ROUNDS, WARM_UP, [timed(step, spent[name]) for name, step in steps.items()])
    rows = [Row(name, "ms", tuple(values[WARM_UP:])) for name, values in spent.items()]
    cost = rows[1]
    return Report(
        title="the cost of quality over detection and landmarks, one thread, one face of 640x480",
        counts=f"{ROUNDS} rounds after {WARM_UP} to warm up, in turn",
        rows=tuple(rows),
        promises=(at_most("quality of one face, least time", min(cost.values), MOST_MS, unit="ms"),),
        notes=(f"median {cost.median:.2f} ms",),
    )


def main() -> int:
    """Run the benchmark."""
    words = parser_of(NAME, "What quality costs over finding the face.").parse_args()
    return run(NAME, measure, words.json)


if __name__ == "__main__":
    sys.exit(main())
