"""`python -m tests.bench.all_pairs [--faces N] [--rounds N] [--json FILE]`: all faces against all faces.

Made-up templates of the shape that the shipped models give, and the threshold 0.7: what is measured are the matrix
products, not the models. Promise of issue 8: 1,000,000 similarities a second on two cores. What is written must be to
the bit what the engine gives for a pair.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import psutil

from senseid_engine.batch.all_pairs import pairs_over
from senseid_engine.batch.scorer import Scorer
from senseid_engine.recognition import Recognition
from senseid_engine.template import Template, similarities
from senseid_models.registry import Registry
from tests.bench.report import Promise, Report, Row, at_least, parser_of, run

NAME = "all_pairs"
LEAST_A_SECOND = 1e6
THRESHOLD = 0.7
PHOTOS_A_PERSON = 3
CHECKED = 200


def made_up(count: int, size: int) -> list[Template]:
    """Templates of people with three photos each."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(count // PHOTOS_A_PERSON + 1, size))
    vectors = [people[i // PHOTOS_A_PERSON] + 0.5 * rng.normal(size=size) for i in range(count)]
    return [Template((vector / np.linalg.norm(vector)).astype(np.float32)) for vector in vectors]


def measure(faces: int, rounds: int) -> Report:
    """Compare all with all, several times."""
    registry = Registry.builtin()
    scorer = Scorer.open(registry)
    model = registry.get(Recognition.load(registry).model)
    least = scorer.curve.similarity_at(THRESHOLD)
    templates = made_up(faces, int(model.outputs[0].shape[-1]))
    process = psutil.Process()
    before = process.memory_info().rss
    pairs, rates, found = faces * (faces - 1) // 2, [], 0
    for _ in range(rounds):
        start = time.perf_counter()
        found = sum(len(hits.columns) for hits in pairs_over(templates, templates, least, triangle=True))
        rates.append(pairs / (time.perf_counter() - start))
    grown = (process.memory_info().rss - before) / 2**20
    some = templates[:CHECKED]
    want = similarities(some, some)
    same = all(
        hits.similarities.tolist() == want[hits.row, hits.columns].tolist()
        and hits.columns.tolist() == np.flatnonzero(want[hits.row] >= least).tolist()
        for hits in pairs_over(some, some, least)
    )
    return Report(
        title=f"all pairs of {faces:,} faces, those from {THRESHOLD} on",
        counts=f"{rounds} rounds of {pairs:,} pairs, of which {found:,} reach the threshold",
        rows=(
            Row("similarities", "a second", tuple(rates)),
            Row("memory that the rounds added", "MiB", (grown,)),
        ),
        promises=(
            at_least("similarities a second", max(rates), LEAST_A_SECOND),
            Promise("to the bit what the engine gives", f"{CHECKED} x {CHECKED} pairs", same),
        ),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "All pairs of many faces by matrix products.")
    parser.add_argument("--faces", type=int, default=6000, metavar="N", help="faces (default: 6000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds to measure (default: 3)")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.faces, words.rounds), words.json)


if __name__ == "__main__":
    sys.exit(main())
