"""`python -m tests.bench.accuracy [--limit N] [--json FILE]`: how often the shipped engine is right, on LFW.

All pairs of the photos of `lfw-pairs.tar` through the engine as it is shipped, but for the cohort, which knows these
people: each pair is normalised by a cohort learned from others, as `senseid models calibrate LFW --own-cohort 10` does.
Takes about ten minutes on two CPUs. `--limit` takes the first N people only, to try it out: then LFW's folds are left
out, and no promise is judged.

Promises of issue 2: 10-fold accuracy at least 99.4 %; FNMR at FMR 1e-3, 1e-4 and 1e-6 at most 2.2, 6.2 and 33 %; no
face in at most 0.1 % of the photos; FMR at the scores 0.4 .. 0.8 within a factor 1.5 of 1e-1 .. 1e-5 on people whom the
curve was not fitted on.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from senseid_engine.calibration.own_cohort import tile_by_others

from senseid_engine.calibration.encode import encode_photos
from senseid_engine.calibration.labelled import LabelledSet, read_folder, read_lfw_pairs
from senseid_engine.calibration.run import CalibrationResult, Settings, calibrate, random
from senseid_engine.cpu import available_cpus
from tests.archives import unpack
from tests.bench.report import Promise, Report, UnavailableError, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import open_engine

if TYPE_CHECKING:
    from senseid_engine.calibration.encode import EncodedPhoto
    from senseid_engine.calibration.labelled import LabelledPairs
    from senseid_engine.calibration.tiles import Tiled
    from senseid_engine.engine import Engine
    from senseid_engine.template import Template

NAME = "accuracy"
GROUPS = 10
SEED = 0
LEAST_ACCURACY = 0.994
MOST_WITHOUT_FACE = 0.001
MOST_FNMR = {1e-3: 0.022, 1e-4: 0.062, 1e-6: 0.33}
FMR_FACTOR = 1.5
JUDGED_SCORES = (0.4, 0.5, 0.6, 0.7, 0.8)


def read_lfw(folder: Path, limit: int | None) -> tuple[LabelledSet, LabelledPairs | None]:
    """Unpack LFW: its photos and, where all people are taken, the pairs of its folds.

    Raises:
        UnavailableError: it is not there.
    """
    archive = test_data() / "lfw-pairs.tar"
    if not archive.is_file():
        raise UnavailableError(f"no {archive}")
    unpack(archive, folder)
    labelled = read_folder(folder / "lfw")
    if limit is None:
        return labelled, read_lfw_pairs(folder / "lfw" / "pairs.txt", labelled)
    return replace(labelled, photos=tuple(photo for photo in labelled.photos if photo.person < limit)), None


def lay_out(engine: Engine, labelled: LabelledSet, encoded: list[EncodedPhoto[Template]]) -> Tiled:
    """The comparison of all photos, each pair normalised by a cohort that does not know its people."""
    templates = [photo.template for photo in encoded]
    people = np.array([labelled.photos[photo.number].person for photo in encoded], np.int32)
    return tile_by_others(templates, people, engine.recognition, groups=GROUPS, rng=random(SEED, "groups"))


def measure(limit: int | None) -> Report:
    """Encode, compare all pairs, and measure."""
    engine = open_engine(threads=available_cpus())
    settings = Settings(
        set_name="LFW",
        made=datetime.now(UTC).date().isoformat(),
        seed=SEED,
        models=(),
        cohort=None,
        own_cohort=GROUPS,
    )
    with tempfile.TemporaryDirectory() as name:
        labelled, folds = read_lfw(Path(name), limit)
        start = time.perf_counter()
        encoded, unusable = encode_photos(labelled.photos, engine.encode_largest, workers=engine.photos_at_once)
        seconds = time.perf_counter() - start
    numbers = [photo.number for photo in encoded]
    result = calibrate(labelled, numbers, unusable, lay_out(engine, labelled, encoded), settings, folds=folds)
    made = result.curve.provenance
    return Report(
        title="false matches and false non-matches over all pairs of LFW's photos, the whole pipeline",
        counts=(
            f"{len(labelled.photos)} photos of {made.people} people: {made.genuine_pairs} pairs of one person,"
            f" {made.impostor_pairs} of two; {made.photos_without_face} without a face, {made.photos_refused} refused"
        ),
        rows=(),
        promises=tuple(_promises(result, len(labelled.photos)) if limit is None else ()),
        notes=tuple(_notes(result, seconds / len(labelled.photos))),
    )


def _promises(result: CalibrationResult, photos: int) -> list[Promise]:
    promises = [
        at_most(
            "share of photos without a face", result.curve.provenance.photos_without_face / photos, MOST_WITHOUT_FACE
        )
    ]
    if result.accuracy is not None:
        promises.append(at_least("accuracy over LFW's ten folds", result.accuracy.mean, LEAST_ACCURACY))
    promises += [
        at_most(f"FNMR at FMR {fmr:g}", point.fnmr, MOST_FNMR[fmr]) for fmr, point in result.at_fmr if fmr in MOST_FNMR
    ]
    for row in result.curve.provenance.rates:
        if row.score in JUDGED_SCORES and row.held_out is not None:
            promised = 10 ** -((row.score - 0.3) / 0.1)
            factor = row.held_out.mean / promised
            text = f"FMR at {row.score}, other people: within a factor {FMR_FACTOR} of {promised:.0e}"
            holds = 1 / FMR_FACTOR <= factor <= FMR_FACTOR
            promises.append(Promise(text, f"{row.held_out.mean:.3g}, a factor {factor:.2f}", holds))
    return promises


def _notes(result: CalibrationResult, seconds_a_photo: float) -> list[str]:
    notes = [f"{1000 * seconds_a_photo:.0f} ms a photo; equal error rate {result.equal_error_rate:.4g}"]
    if result.accuracy is not None:
        notes.append(f"accuracy over folds {result.accuracy.mean:.4f} +- {result.accuracy.standard_error:.4f}")
    notes += [f"FNMR at FMR {fmr:g}: {point.fnmr:.4g}" for fmr, point in result.at_fmr]
    for row in result.curve.provenance.rates:
        other = row.held_out
        held = "too few pairs" if other is None else f"{other.mean:.3g} ({other.lowest:.3g} .. {other.highest:.3g})"
        notes.append(f"score {row.score}: FMR on other people {held}; FNMR {row.fnmr.events / row.fnmr.pairs:.4g}")
    notes += [f"no template: {photo.name}: {photo.problem}" for photo in result.unusable]
    return notes


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "False matches and false non-matches on LFW, the whole pipeline.")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N people only, to try it out")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.limit), words.json)


if __name__ == "__main__":
    sys.exit(main())
