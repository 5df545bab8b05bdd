"""`python -m tests.bench.occlusion [--synthetic N] [--verbose] [--json FILE]`: what covers a face.

Real masks: the photos of `masks.tar`, the largest face of each; nothing of it was trained on. Faces without any: the
people of `lfw-pairs.tar` that the training kept apart (`models.recipes.occlusion.faces.part_of`); every face called
covered counts as a false one, though some are truly covered: `--verbose` names them. Synthetic: occluders drawn over
the other faces of these people; a feature is covered where less than half of it is left. Promises of issue 5.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.occlusion.faces import Faces, part_of, wide_chip
from models.recipes.occlusion.synthesise import examples
from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image, read_photo
from senseid_engine.quality.occlusion import LEAST_VISIBLE, REGIONS, Occlusion, OcclusionEstimator
from senseid_models.registry import Registry
from tests.archives import unpack
from tests.bench.report import Report, Row, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import licences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.arrays import Floats
    from senseid_engine.finder import UprightPhoto

NAME = "occlusion"
LEAST_AUC = 0.98
LEAST_F1 = 0.95
MOST_FALSE = 0.02
MOST_MS = 3.0
DOUBT = 0.15
SEED = 5


class Models:
    """The finder and the occlusion network on one thread."""

    def __init__(self) -> None:
        registry, held = Registry.builtin(), licences()
        self.finder = FaceFinder.open(registry, held, threads=1)
        self.estimator = OcclusionEstimator.open(registry, held, threads=1)
        self.seconds: list[float] = []

    def faces(self, photos: Sequence[Path]) -> Iterator[tuple[Path, UprightPhoto, Occlusion]]:
        """The largest face of each photo that has one."""
        for path in photos:
            try:
                photo = self.finder.find(decode_image(read_photo(path), name=path.name))
            except NoFaceError:
                continue
            start = time.perf_counter()
            occlusion = self.estimator.estimate(photo.image.pixels, photo.faces[0])
            self.seconds.append(time.perf_counter() - start)
            yield path, photo, occlusion


def shares(occlusion: Occlusion) -> list[float]:
    """The visible shares in the order of `REGIONS`."""
    return [getattr(occlusion, region) for region in REGIONS]


def auc(covered: Floats, plain: Floats) -> float:
    """The probability that a plain face has a larger share visible than a covered one; half for a tie."""
    ranked = np.sort(covered)
    below, upto = (np.searchsorted(ranked, plain, side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(covered))


def f1(truth: Floats, told: Floats) -> float:
    """F1 of `covered`, which is a share under the threshold."""
    is_covered, called = truth < LEAST_VISIBLE, told < LEAST_VISIBLE
    return float(2 * (is_covered & called).sum() / max(is_covered.sum() + called.sum(), 1))


def listed(values: dict[str, float]) -> str:
    """Each with its name."""
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def measure(folder: Path, *, synthetic: int, verbose: bool) -> Report:
    """Look at all photos."""
    models = Models()
    masked, plain = (sorted((folder / "masks" / name).iterdir()) for name in ("with_mask", "without_mask"))
    with_mask, without = (
        np.array([shares(occlusion) for *_, occlusion in models.faces(photos)], np.float32)
        for photos in (masked, plain)
    )
    held_out = [path for path in sorted((folder / "lfw").glob("*/*.jpg")) if part_of(path.parent.name) == "test"]
    notes, pixels, points, called = [], [], [], 0
    for path, photo, occlusion in models.faces(held_out):
        if occlusion.covered:
            called += 1
            notes += [f"{path.name}: {', '.join(occlusion.covered)}"] if verbose else []
            continue
        wide, mesh = wide_chip(photo.image, photo.faces[0])
        pixels.append(wide)
        points.append(mesh)
    faces = Faces(np.stack(pixels), np.stack(points), np.arange(len(pixels)))
    scores = {}
    for harsh in (True, False):
        made = examples(faces, synthetic, SEED, harsh=harsh)
        told = np.concatenate([models.estimator.shares(made.chips[i : i + 64]) for i in range(0, synthetic, 64)])
        scores = {name: f1(made.visible[:, i], told[:, i]) for i, name in enumerate(REGIONS)}
        clear = np.abs(made.visible - 0.5) > DOUBT
        sharp = {name: f1(made.visible[clear[:, i], i], told[clear[:, i], i]) for i, name in enumerate(REGIONS)}
        error = {name: np.abs(made.visible - told)[:, i].mean() for i, name in enumerate(REGIONS)}
        title = "photographed badly" if harsh else "as sharp as LFW"
        notes += [
            f"synthetic, {title}: F1 {listed(scores)}",
            f"the same without shares within {DOUBT} of a half: F1 {listed(sharp)}; mean error {listed(error)}",
        ]
    eyes = [(found[:, :2] >= LEAST_VISIBLE).all(axis=1).mean() for found in (with_mask, without)]
    notes.append(f"both eyes visible: {eyes[0]:.1%} of the masked, {eyes[1]:.1%} of the unmasked faces")
    for title, found in (("masked", with_mask), ("unmasked", without)):
        shown = {name: (found[:, i] < LEAST_VISIBLE).mean() for i, name in enumerate(REGIONS)}
        notes.append(f"called covered, {title}: {listed(shown)}")
    return Report(
        title="visible shares of eyes, nose and mouth",
        counts=f"a face in {len(with_mask)} of {len(masked)} masked and in {len(without)} of {len(plain)} unmasked "
        f"photos; {called + len(pixels)} of LFW, {synthetic} synthetic",
        rows=(Row("a face, 1 thread", "ms", tuple(1000 * value for value in models.seconds)),),
        promises=(
            *(
                at_least(f"AUC masked against unmasked, {name}", auc(with_mask[:, i], without[:, i]), LEAST_AUC)
                for i, name in ((2, "nose"), (3, "mouth"))
            ),
            *(at_least(f"F1 on synthetic faces, {name}", value, LEAST_F1) for name, value in scores.items()),
            at_most("faces of LFW called covered", called / (called + len(pixels)), MOST_FALSE),
            at_most("a face", float(np.median(models.seconds)) * 1000, MOST_MS, unit="ms"),
        ),
        notes=tuple(notes),
    )


def unpacked(*, synthetic: int, verbose: bool) -> Report:
    """Unpack the photos and measure."""
    data = test_data()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("masks.tar", "lfw-pairs.tar"):
            unpack(data / name, Path(folder))
        return measure(Path(folder), synthetic=synthetic, verbose=verbose)


def main() -> int:
    """Measure and print."""
    parser = parser_of(NAME, __doc__ or "")
    parser.add_argument("--synthetic", type=int, default=3000, metavar="N", help="how many synthetic faces")
    parser.add_argument("--verbose", action="store_true", help="name each face of LFW that is called covered")
    words = parser.parse_args()
    return run(NAME, lambda: unpacked(synthetic=words.synthetic, verbose=words.verbose), words.json)


if __name__ == "__main__":
    sys.exit(main())
