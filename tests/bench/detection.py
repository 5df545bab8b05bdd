"""`python -m tests.bench.detection [--verbose] [--json FILE]`: the faces of group photos.

The photos of `detection-dlib` with the boxes of its `training.xml` and `testing.xml`. A found face and a labelled box
belong together where the intersection is at least 0.4 of the union, the best pairs first, each used once. A box marked
`ignore` is neither missed nor false. Promises of issue 2: at least 95 % of the boxes found, at most one false face in
20 true ones. Photos without labels are listed, not counted. `--verbose` names each miss and each false face.
"""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.errors import NoFaceError
from senseid_engine.image import decode_image, read_photo
from senseid_engine.results import Rect
from tests.bench.report import Report, Row, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import open_engine

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.engine import Engine

NAME = "detection"
LEAST_IOU = 0.4
LEAST_RECALL = 0.95
MOST_FALSE = 1 / 20
LABELS = ("training.xml", "testing.xml")


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled face.

    Attributes:
        rect: where it is; may reach outside the photo.
        ignore: too small or hidden to count.
    """

    rect: Rect
    ignore: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one photo gave.

    Attributes:
        found: how many labelled boxes were found, without the ignored ones.
        missed: boxes that were not.
        false: faces that belong to no box.
    """

    found: int
    missed: tuple[Rect, ...]
    false: tuple[Rect, ...]


def read_labels(file: Path) -> dict[str, list[Box]]:
    """The boxes of each photo of dlib's XML."""
    labelled = {}
    for image in ET.parse(file).getroot().iter("image"):
        boxes = []
        for box in image.iter("box"):
            left, top, width, height = (int(box.attrib[side]) for side in ("left", "top", "width", "height"))
            boxes.append(Box(Rect(left, top, left + width, top + height), box.get("ignore") == "1"))
        labelled[image.attrib["file"]] = boxes
    return labelled


def overlap(one: Rect, other: Rect) -> float:
    """Intersection over union, in [0, 1]."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (_area(one) + _area(other) - shared)


def judge(faces: list[Rect], boxes: list[Box]) -> Outcome:
    """Bring faces and boxes together, the best pairs first."""
    pairs = sorted(
        ((overlap(face, box.rect), i, j) for i, face in enumerate(faces) for j, box in enumerate(boxes)), reverse=True
    )
    of_face: dict[int, int] = {}
    taken: set[int] = set()
    for shared, i, j in pairs:
        if shared >= LEAST_IOU and i not in of_face and j not in taken:
            of_face[i] = j
            taken.add(j)
    counted = {j for j, box in enumerate(boxes) if not box.ignore}
    return Outcome(
        found=len(counted & taken),
        missed=tuple(boxes[j].rect for j in sorted(counted - taken)),
        false=tuple(face for i, face in enumerate(faces) if i not in of_face),
    )


def measure(*, verbose: bool) -> Report:
    """Find the faces of all photos."""
    folder = test_data() / "detection-dlib"
    labels: dict[str, list[Box]] = {}
    for name in LABELS:
        labels |= read_labels(folder / name)
    engine = open_engine(threads=1)
    outcomes, seconds, notes = {}, [], []
    for path in sorted(folder.glob("*.jpg")):
        start = time.perf_counter()
        faces = find(engine, path)
        seconds.append(time.perf_counter() - start)
        if path.name not in labels:
            notes.append(f"{path.name}: not labelled, {len(faces)} faces found")
            continue
        outcome = outcomes[path.name] = judge(faces, labels[path.name])
        notes += [f"{path.name}: missed {_shown(rect)}" for rect in outcome.missed if verbose]
        notes += [f"{path.name}: false {_shown(rect)}" for rect in outcome.false if verbose]
    found = sum(outcome.found for outcome in outcomes.values())
    missed = sum(len(outcome.missed) for outcome in outcomes.values())
    false = sum(len(outcome.false) for outcome in outcomes.values())
    counts = f"{len(outcomes)} photos, {found + missed} boxes: {found} found, {missed} missed; {false} false faces"
    return Report(
        title=f"faces of group photos at an intersection over union of {LEAST_IOU}",
        counts=counts,
        rows=(Row("a photo, 1 thread", "ms", tuple(1000 * value for value in seconds)),),
        promises=(
            at_least("recall", found / (found + missed), LEAST_RECALL),
            at_most("false faces for each true one", false / found, MOST_FALSE),
        ),
        notes=tuple(notes),
    )


def find(engine: Engine, path: Path) -> list[Rect]:
    """The faces of a photo, as `senseid omni` sees them."""
    try:
        return list(engine.encoder.finder.find(decode_image(read_photo(path), name=path.name)).found.rects)
    except NoFaceError:
        return []


def _area(rect: Rect) -> int:
    return (rect.right - rect.left) * (rect.bottom - rect.top)


def _shown(rect: Rect) -> str:
    return f"left {rect.left}, top {rect.top}, {rect.right - rect.left} x {rect.bottom - rect.top} px"


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "The faces of labelled group photos.")
    parser.add_argument("--verbose", action="store_true", help="name each miss and each false face")
    words = parser.parse_args()
    return run(NAME, lambda: measure(verbose=words.verbose), words.json)


if __name__ == "__main__":
    sys.exit(main())
