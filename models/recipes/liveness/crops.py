"""`python -m models.recipes.liveness.crops PHOTOS... --count N --out CROPS.npy`: what the student learns from.

PHOTOS are photos, or folders of them, that show faces and are never used to judge. No label is needed: the teacher says
what each crop looks like. So that it has something to say, most of the faces are photographed once more, before that
some are put on something held before another scene, and after that all kinds of cameras and files are imitated.

The same photos give the same crops, in the same order. They show faces, which are personal data: the file stays at the
given path, and goes into no package.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.errors import ConvertError
from models.recipes.licences import licences_of_this_run
from models.recipes.liveness import screens, simulate
from senseid_engine.errors import EngineError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image, image_of_array, read_photo
from senseid_engine.liveness.stills import SURROUNDINGS_CHIP
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from senseid_engine.arrays import Floats, Pixels

    Recapture = Callable[[Pixels, tuple[float, float, float], np.random.Generator], Pixels]

SEED = 0
LONGEST = 640
"""Photos are made so small: their longer side, in pixels."""
LEAST_FACE = 40
"""Faces whose box is less high than this, in pixels, are left out; none is made smaller than this."""
FACES = 4
"""At most so many faces of a photo are drawn from, the largest."""
COMPOSED = 0.25
"""The share of the faces that are held before another scene."""
SHARES: tuple[tuple[float, Recapture | None], ...] = (
    (0.35, None),
    (0.12, screens.camera),
    (0.21, simulate.screen),
    (0.14, simulate.paper),
    (0.18, screens.screen),
)
"""How often each way to photograph a photo once more is chosen."""
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def photos_of(paths: Sequence[Path]) -> list[Path]:
    """The photos among the paths and in the folders among them, and theirs, in one order."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sorted(file for file in files if file.suffix.lower() in _SUFFIXES)


def read_small(path: Path) -> Pixels:
    """The pixels of a photo, uint8 (height, width, 3), RGB, with sides of at most `LONGEST`.

    Raises:
        MediaError: the photo cannot be read.
    """
    pixels = decode_image(read_photo(path), name=str(path)).pixels
    share = LONGEST / max(pixels.shape[:2])
    return pixels if share >= 1 else _scaled(pixels, share)


def _scaled(pixels: Pixels, share: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _finder() -> FaceFinder:
    """The models that find faces, under a licence made for this run, once a process."""
    return FaceFinder.open(Registry.builtin(), licences_of_this_run(), threads=1)


def crop_of(number: int, photo: Path, scene: Path) -> Pixels | None:
    """One crop: uint8 (80, 80, 3), RGB; None where a photo cannot be read or shows no face that is large enough.

    Args:
        number: of the crop; its randomness follows from it.
        photo: the photo that shows the face.
        scene: the photo before which it may be held.
    """
    rng = np.random.default_rng([SEED, number])
    try:
        pixels = read_small(photo)
        found = _finder().find(image_of_array(pixels, name=str(photo))).faces
        faces = [face for face in found if face.box[3] - face.box[1] >= LEAST_FACE][:FACES]
        if not faces:
            return None
        face = faces[rng.integers(len(faces))]
        box = face.box
        if rng.random() < COMPOSED:
            pixels, box = held(pixels, box, read_small(scene), rng)
    except EngineError:
        return None
    again = SHARES[rng.choice(len(SHARES), p=[share for share, _ in SHARES])][1]
    if again is not None:
        pixels = again(pixels, simulate.place_of(box), rng)
    pixels, box = degraded(pixels, box, rng)
    return SURROUNDINGS_CHIP.chip(pixels, replace(face, box=jittered(box, rng)))


def held(pixels: Pixels, box: Floats, scene: Pixels, rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """A piece of the photo on something with a rim that is held before another scene, such as a phone.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        box: float32 (4,), left, top, right, bottom of the face in it, pixels.
        scene: uint8, RGB, what is behind; it is stretched.
        rng: the randomness.

    Returns:
        The picture, uint8 RGB, of another size, and the box of the face in it.
    """
    side = float((box[2:] - box[:2]).max())
    width = min(max(int(side * rng.uniform(3, 5)), 160), 900)
    height = int(width * rng.uniform(0.7, 1.3))
    behind = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    if rng.random() < 0.6:
        behind = np.asarray(cv2.GaussianBlur(behind, (0, 0), rng.uniform(1, 12)), np.float32)
    behind = behind * rng.uniform(0.2, 1.1)
    middle, reach = (box[:2] + box[2:]) / 2, rng.uniform(0.6, 1.3, 4) * side
    left, top = np.maximum(0, middle - reach[:2]).astype(int)
    right, bottom = np.minimum(pixels.shape[1::-1], middle + reach[2:]).astype(int)
    rim = int(rng.uniform(0.02, 0.2) * side)
    shade = rng.uniform(0, 40) if rng.random() < 0.7 else rng.uniform(180, 255)
    inside = pixels[top:bottom, left:right].astype(np.float32)
    piece = cv2.copyMakeBorder(inside, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=[shade] * 3)
    size, room = np.array(piece.shape[1::-1]), np.array([width, height])
    scale = 1.0 if (size < room).all() else 0.95 * float((room / size).min())
    # Turned about the piece's middle, which then lies near the middle of the scene.
    turn = cv2.getRotationMatrix2D((size / 2).tolist(), rng.normal(0, 5), scale)
    turn[:, 2] += (room - size) / 2 + rng.normal(0, 0.1, 2) * side
    covered = cv2.warpAffine(np.ones(piece.shape[:2], np.float32), turn, (width, height))[..., None]
    made = cv2.warpAffine(piece, turn, (width, height)) + behind * (1 - covered)
    corners = (box.reshape(2, 2) - [left, top] + rim) @ turn[:, :2].T + turn[:, 2]
    moved = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
    return np.clip(made, 0, 255).astype(np.uint8), moved


def degraded(pixels: Pixels, box: Floats, rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """The photo and the box made smaller, and the photo blurred and packed as a JPEG, each in some of the photos."""
    share = rng.uniform(0.35, 1.0) if rng.random() < 0.6 else 1.0
    share = max(share, min(1.0, LEAST_FACE / float(box[3] - box[1])))
    if share < 1:
        pixels, box = _scaled(pixels, share), box * np.float32(share)
    if rng.random() < 0.3:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 2.0)), np.uint8)
    if rng.random() < 0.6:
        pixels = simulate.packed(pixels, int(rng.integers(30, 97)))
    return pixels, box


def jittered(box: Floats, rng: np.random.Generator) -> Floats:
    """The box as another detector, or another picture of the same face, might have it: moved, and larger or smaller."""
    size = box[2:] - box[:2]
    middle = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.05, 2) * size
    half = size / 2 * np.exp(rng.normal(0, 0.08))
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def found_crops(photos: Sequence[Path]) -> Iterator[Pixels]:
    """Crops without end: every photo once in each pass over them, in an order of chance.

    Raises:
        ConvertError: no photo shows a face.
    """
    rng, count = np.random.default_rng(SEED), len(photos)
    start, some = 0, True
    with ProcessPoolExecutor() as pool:
        while some:
            some = False
            order, scenes = ([photos[place] for place in rng.permutation(count)] for _ in range(2))
            for crop in pool.map(crop_of, range(start, start + count), order, scenes, chunksize=8):
                if crop is not None:
                    some = True
                    yield crop
            start += count
    raise ConvertError("no photo shows a face that is large enough")


def main() -> None:
    """Make the crops; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.crops", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    words = parser.parse_args()
    np.save(words.out, np.stack(list(islice(found_crops(photos_of(words.photos)), words.count))))


if __name__ == "__main__":
    main()
