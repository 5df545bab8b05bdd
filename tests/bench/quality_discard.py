"""`python -m tests.bench.quality_discard [--embeddings FILE] [--measures FILE] [--json FILE]`: does it tell failure?

The error-versus-discard curve of LFW: the false non-matches at a false-match rate of 1e-3 when the photos of the worst
overall quality are left out. The shipped quality was learned from all of LFW, so it is not what is judged: the people
are halved at random, each half is judged by what the other taught in the same way, and the counts are added. Takes
twenty minutes; the files keep what takes longest.

Promise of issue 5: without the worst tenth of the photos FNMR is lower by at least a third.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.overall_quality import Photos, learn, load
from senseid_engine.calibration.holdout import halved
from tests.bench.report import Report, UnavailableError, at_least, parser_of, run, test_data

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "quality_discard"
FMR = 1e-3
DISCARDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)
JUDGED = 0.1
LEAST_GAIN = 1 / 3
HALVINGS = 5
SEED = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """Pairs of the same person that were compared, and how many were missed."""

    missed: int
    pairs: int

    @property
    def fnmr(self) -> float:
        """The false-non-match rate."""
        return self.missed / self.pairs


def rate_at(photos: Photos, kept: np.ndarray, threshold: float | None = None) -> tuple[Rate, float]:
    """The missed pairs of the same person at a false-match rate of `FMR` among some photos, and the threshold.

    With a threshold given, it is that which decides.
    """
    first, second = np.triu_indices(len(kept), 1)
    z = photos.z[np.ix_(kept, kept)][first, second]
    same = photos.people[kept[first]] == photos.people[kept[second]]
    if threshold is None:
        others = z[~same]
        at = int((1 - FMR) * (len(others) - 1))
        threshold = float(np.partition(others, at)[at])
    return Rate(int((z[same] < threshold).sum()), int(same.sum())), threshold


def discard_curve(photos: Photos, score: Callable[[np.ndarray], np.ndarray], halvings: int) -> list[tuple[Rate, Rate]]:
    """The missed pairs when the worst photos are left out, summed over halves of the people.

    Args:
        photos: all of them.
        score: for photos to learn from, the score of all photos, higher is better.
        halvings: how often the people are halved.

    Returns:
        For each of `DISCARDS` the rate at a threshold of the photos that are left, and at that of all photos.
    """
    counts = np.zeros((len(DISCARDS), 2, 2), np.int64)
    rng = np.random.default_rng(SEED)
    for half in halved(int(photos.people.max()) + 1, rng, halvings):
        taught, judged = (np.flatnonzero(part[photos.people]) for part in half)
        order = judged[np.argsort(score(taught)[judged], kind="stable")]
        _, threshold = rate_at(photos, judged)
        for i, share in enumerate(DISCARDS):
            kept = np.sort(order[round(share * len(order)) :])
            for j, limit in enumerate((None, threshold)):
                rate, _ = rate_at(photos, kept, limit)
                counts[i, j] += (rate.missed, rate.pairs)
    return [(Rate(*map(int, row[0])), Rate(*map(int, row[1]))) for row in counts]


def measure(embeddings: Path | None, measures: Path | None) -> Report:
    """Compare and measure all photos, and leave out the worst."""
    archive = test_data() / "lfw-pairs.tar"
    if not archive.is_file():
        raise UnavailableError(f"no {archive}")
    photos = load(test_data(), embeddings, measures)
    curve = discard_curve(photos, lambda taught: learn(photos, taught).terms(photos.values), HALVINGS)
    notes = []
    gains = {}
    (whole, _), *_ = curve
    for share, (own, fixed) in zip(DISCARDS, curve, strict=True):
        gains[share] = 1 - own.fnmr / whole.fnmr
        notes.append(
            f"without the worst {share:.0%}: FNMR {own.fnmr:.4f} ({own.missed} of {own.pairs} pairs),"
            f" lower by {gains[share]:.0%}; at the threshold of all photos {fixed.fnmr:.4f}"
        )
    return Report(
        title=f"false non-matches at FMR {FMR:g} without the photos of the worst quality, LFW",
        counts=f"{len(photos.people)} photos; the people halved {HALVINGS} times, each half judged by the other",
        rows=(),
        promises=(at_least(f"FNMR lower without the worst {JUDGED:.0%}", gains[JUDGED], LEAST_GAIN),),
        notes=tuple(notes),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "The error-versus-discard curve of the overall quality on LFW.")
    parser.add_argument("--embeddings", type=Path, metavar="FILE", help="reuse these embeddings, or write them there")
    parser.add_argument("--measures", type=Path, metavar="FILE", help="reuse these measures, or write them there")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.embeddings, words.measures), words.json)


if __name__ == "__main__":
    sys.exit(main())
