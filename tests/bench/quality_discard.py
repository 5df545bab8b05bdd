"""`python -m tests.bench.quality_discard [--embeddings FILE] [--measures FILE] [--json FILE]`: does it tell failure?

The error-versus-discard curve of LFW: the false non-matches at a false-match rate of 1e-3 when the photos of the worst
overall quality are left out. The shipped quality was learned from all of LFW, so it is not what is judged: the people
are halved at random, each half is judged by what the other taught in the same way, and the counts are added. Takes
twenty minutes; the files keep what takes longest.

Promise of issue 5: without the worst tenth of the photos FNMR is lower by at least a third.
"""

from __future__ import annotations

import sys
from pathlib import Path

from models.recipes.overall_quality import DISCARDS, FMR, HALVINGS, discard_curve, learn, load
from tests.bench.report import Report, UnavailableError, at_least, parser_of, run, test_data

NAME = "quality_discard"
JUDGED = 0.1
LEAST_GAIN = 1 / 3


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
