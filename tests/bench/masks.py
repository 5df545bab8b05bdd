"""`python -m tests.bench.masks [--photos N] [--verbose] [--json FILE]`: faces that are there, and none that are not.

- `masks.tar`: photos of people with and without a real mask. How often strangers who both wear one reach a score is
  told, not judged: nobody says who is on the photos, the set holds many photos twice and many people more than once,
  and each such pair counts as one of strangers. Photos that are copies to the eye are left out of a second count.
- The pictures of `decoder` that show no person: no face.
- Photos of LFW turned by 180 and 90 degrees, each compared with itself as it was. Where the turned one is not refused,
  a low score is a bare "no match", which misleads.

Promises of issue 14: a face in at least 95 % of both halves of `masks.tar`; no face in the pictures without people; no
bare "no match". `--verbose` names each photo that breaks one.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from senseid_engine.errors import EngineError, NoFaceError
from senseid_engine.image import decode_image, read_photo, rotate
from senseid_engine.photo_options import PhotoOptions
from senseid_engine.template import similarities
from tests.archives import unpack
from tests.bench.report import Report, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import lfw_photos, open_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.engine import Engine
    from senseid_engine.image import Image
    from senseid_engine.template import Template

NAME = "masks"
PHOTOS = 800
LEAST_FOUND = 0.95
THRESHOLD = 0.7
SCORES = (0.6, 0.7)
HALVES = {"with_mask": "with a mask", "without_mask": "without a mask"}
# How the names begin of the pictures of `decoder` that do show somebody, if only in a drawing or from behind; all that
# decode were looked at.
PEOPLE = ("einstein", "hopper", "8bit.s.tif", "bc6h_sf.png", "a_fli.png", "Portrait_")
COPY_SIDE = 16
COPY = 0.95
"""The correlation of two photos, shrunk to that side, from which on they are copies of one."""
HINT = "--auto-rotate"
TURNS = {"90 degrees": 1, "180 degrees": 2, "270 degrees": 3}


def masked(engine: Engine, photos: Sequence[Path]) -> tuple[list[Template], list[Image], list[str]]:
    """Templates of the largest faces and their photos, and the names of the photos without a face."""
    templates, images, without = [], [], []
    for path in photos:
        image = decode_image(read_photo(path), name=path.name)
        try:
            templates.append(engine.encode_largest(image)[1])
        except NoFaceError:
            without.append(path.name)
        else:
            images.append(image)
    return templates, images, without


def originals(images: Sequence[Image]) -> list[int]:
    """The photos that are copies of none before them."""
    small = [cv2.resize(image.pixels, (COPY_SIDE, COPY_SIDE), interpolation=cv2.INTER_AREA) for image in images]
    flat = np.array(small, np.float32).reshape(len(images), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    copies = np.tril(flat @ flat.T >= COPY, -1).any(axis=1)
    return np.flatnonzero(~copies).tolist()


def of_strangers(engine: Engine, templates: Sequence[Template]) -> str:
    """How often two of them reach a score, beside what the score promises for strangers."""
    z = similarities(templates, templates)[np.triu_indices(len(templates), 1)]
    counts = {score: int((z >= engine.curve.similarity_at(score)).sum()) for score in SCORES}
    told = "; ".join(
        f"{count} reach {score}, {count / len(z) * 10 ** ((score - 0.3) / 0.1):.3g} times the promise"
        for score, count in counts.items()
    )
    return f"{len(templates)} faces, {len(z)} pairs: {told}"


def without_people(folder: Path) -> Iterator[Image]:
    """The pictures of `decoder` that decode and show nobody."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.parent.name == "video" or path.name.startswith(PEOPLE):
            continue
        try:
            yield decode_image(read_photo(path), name=path.name)
        except EngineError:
            continue


def faces_of(engine: Engine, image: Image) -> int:
    """How many faces are found; one that is sideways or upside down counts."""
    try:
        return len(engine.encoder.finder.find(image).faces)
    except NoFaceError as error:
        return int(HINT in str(error))


def outcome(engine: Engine, upright: Template, turned: Image, options: PhotoOptions) -> str:
    """What becomes of the comparison of a photo with itself, turned."""
    try:
        template = engine.encode_largest(turned, options)[1]
    except NoFaceError as error:
        return "refused with a hint" if HINT in str(error) else "no face"
    score = engine.curve.score(float(similarities([upright], [template])[0, 0]))
    return "match" if score >= THRESHOLD else "no match"


def measure(count: int, *, verbose: bool) -> Report:
    """Look at all of them."""
    engine, data = open_engine(threads=1), test_data()
    notes, promises, counts = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        unpack(data / "masks.tar", Path(folder))
        for half, words in HALVES.items():
            photos = sorted((Path(folder) / "masks" / half).iterdir())
            templates, images, without = masked(engine, photos)
            promises.append(at_least(f"photos {words} with a face", len(templates) / len(photos), LEAST_FOUND))
            counts.append(f"a face in {len(templates)} of {len(photos)} photos {words}")
            notes.append(f"taken for strangers, {words}, copies and all: {of_strangers(engine, templates)}")
            kept = [templates[i] for i in originals(images)]
            notes.append(f"the same without copies of a photo: {of_strangers(engine, kept)}")
            notes += [f"no face: {half}/{name}" for name in without if verbose]
    scenes = {image.name: faces_of(engine, image) for image in without_people(data / "decoder")}
    promises.append(at_most("faces in pictures without people", sum(scenes.values()), 0))
    notes += [f"a face in {name}" for name, found in scenes.items() if found and verbose]
    turned, misled = _turned(engine, count)
    notes += [f"{turn}: {', '.join(f'{n} {what}' for what, n in sorted(of.items()))}" for turn, of in turned.items()]
    notes += misled if verbose else []
    asked = sum(sum(of.values()) for of in turned.values())
    promises.append(at_most('turned photos that end as a bare "no match"', len(misled), 0))
    return Report(
        title="faces with masks, pictures without people, photos that are not upright",
        counts=f"{'; '.join(counts)}; {len(scenes)} pictures without people; {asked} photos of LFW, turned",
        rows=(),
        promises=tuple(promises),
        notes=tuple(notes),
    )


def _turned(engine: Engine, count: int) -> tuple[dict[str, Counter[str]], list[str]]:
    """What becomes of turned photos, by turn, and a line on each that is a bare "no match"."""
    outcomes = {turn: Counter[str]() for turn in TURNS}
    misled = []
    for image in lfw_photos(count):
        try:
            upright = engine.encode_largest(image)[1]
        except NoFaceError:
            continue
        for turn, quarters in TURNS.items():
            found = outcome(engine, upright, rotate(image, quarters), PhotoOptions())
            outcomes[turn][found] += 1
            if found == "no match":
                misled.append(f"no match: {image.name}, turned by {turn}")
    return outcomes, misled


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Masked faces, pictures without people, and photos that are not upright.")
    parser.add_argument("--photos", type=int, default=PHOTOS, metavar="N", help=f"photos of LFW (default: {PHOTOS})")
    parser.add_argument("--verbose", action="store_true", help="name each photo that breaks a promise")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.photos, verbose=words.verbose), words.json)


if __name__ == "__main__":
    sys.exit(main())
