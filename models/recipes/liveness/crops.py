"""`python -m models.recipes.liveness.crops PHOTOS... --count N --out CROPS.npy`: the student's training crops.

PHOTOS are photos, or folders of them, that show faces and are in no evaluation set. No label is needed: the targets are
the teacher's outputs. So that these vary, most crops are of a recapture, imitated or simulated; before that a quarter
of the faces are composited onto another scene; after that resolution, blur and JPEG quality are varied.

CROPS.npy is uint8 (N, 80, 80, 3), RGB. The same photos give the same crops in the same order. They show faces, which
are personal data: the file stays at the given path, and goes into no package.
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
from models.recipes.liveness import recapture, subpixel_screen
from senseid_engine.errors import EngineError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image, image_of_array, read_photo
from senseid_engine.liveness.stills import SURROUNDINGS_CHIP
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from senseid_engine.arrays import Floats, Pixels

    Transform = Callable[[Pixels, tuple[float, float, float], np.random.Generator], Pixels]

SEED = 0
MAX_SIDE = 640
"""Photos are downscaled until their longer side is at most this, in pixels."""
MIN_FACE_HEIGHT = 40
"""Faces whose box is lower than this, in pixels, are left out; no face is downscaled below it."""
MAX_FACES = 4
"""Only so many faces of a photo, the largest, may be drawn."""
COMPOSITED_SHARE = 0.25
"""The share of the crops whose face is composited onto another scene."""
TRANSFORM_SHARES: tuple[tuple[float, Transform | None], ...] = (
    (0.35, None),
    (0.12, subpixel_screen.simulated_camera),
    (0.21, recapture.imitated_screen),
    (0.14, recapture.imitated_print),
    (0.18, subpixel_screen.simulated_screen),
)
"""The probability of each transform; None leaves the photo as it is."""
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def list_photos(paths: Sequence[Path]) -> list[Path]:
    """The photos among the paths, and those in folders among them at any depth, sorted by path."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sorted(file for file in files if file.suffix.lower() in _SUFFIXES)


def read_downscaled(path: Path) -> Pixels:
    """The pixels of a photo, uint8 (height, width, 3), RGB, with sides of at most `MAX_SIDE`.

    Raises:
        MediaError: the photo cannot be read.
    """
    pixels = decode_image(read_photo(path), name=str(path)).pixels
    scale = MAX_SIDE / max(pixels.shape[:2])
    return pixels if scale >= 1 else _downscaled(pixels, scale)


def _downscaled(pixels: Pixels, scale: float) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


@cache
def _finder() -> FaceFinder:
    """The models that find faces, under a licence made for this run, once a process."""
    return FaceFinder.open(Registry.builtin(), licences_of_this_run(), threads=1)


def crop_of(number: int, photo: Path, scene: Path) -> Pixels | None:
    """One crop: uint8 (80, 80, 3), RGB; None where a photo cannot be read or shows no face that is large enough.

    Args:
        number: of the crop; it seeds the random generator.
        photo: the photo that shows the face.
        scene: the photo that the face may be composited onto.
    """
    rng = np.random.default_rng([SEED, number])
    try:
        pixels = read_downscaled(photo)
        found = _finder().find(image_of_array(pixels, name=str(photo))).faces
        faces = [face for face in found if face.box[3] - face.box[1] >= MIN_FACE_HEIGHT][:MAX_FACES]
        if not faces:
            return None
        face = faces[rng.integers(len(faces))]
        box = face.box
        if rng.random() < COMPOSITED_SHARE:
            pixels, box = composited(pixels, box, read_downscaled(scene), rng)
    except EngineError:
        return None
    transform = TRANSFORM_SHARES[rng.choice(len(TRANSFORM_SHARES), p=[share for share, _ in TRANSFORM_SHARES])][1]
    if transform is not None:
        pixels = transform(pixels, recapture.centre_and_side(box), rng)
    pixels, box = degraded(pixels, box, rng)
    return SURROUNDINGS_CHIP.chip(pixels, replace(face, box=jittered(box, rng)))


def composited(pixels: Pixels, box: Floats, scene: Pixels, rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """The face and what is around it with a border, as of a phone or a print, pasted onto another scene.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        box: float32 (4,): left, top, right, bottom of the face, in pixels.
        scene: uint8 (height, width, 3), RGB, the background; its aspect ratio is not kept.
        rng: draws sizes, positions and colours.

    Returns:
        The picture, uint8 RGB, of another size, and the bounding box of the turned face box in it, float32 (4,).
    """
    side = float((box[2:] - box[:2]).max())
    width = min(max(int(side * rng.uniform(3, 5)), 160), 900)
    height = int(width * rng.uniform(0.7, 1.3))
    background = cv2.resize(scene, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    if rng.random() < 0.6:
        background = np.asarray(cv2.GaussianBlur(background, (0, 0), rng.uniform(1, 12)), np.float32)
    background = background * rng.uniform(0.2, 1.1)
    centre, reach = (box[:2] + box[2:]) / 2, rng.uniform(0.6, 1.3, 4) * side
    left, top = np.maximum(0, centre - reach[:2]).astype(int)
    right, bottom = np.minimum(pixels.shape[1::-1], centre + reach[2:]).astype(int)
    border = int(rng.uniform(0.02, 0.2) * side)
    grey = rng.uniform(0, 40) if rng.random() < 0.7 else rng.uniform(180, 255)
    cutout = pixels[top:bottom, left:right].astype(np.float32)
    patch = cv2.copyMakeBorder(cutout, border, border, border, border, cv2.BORDER_CONSTANT, value=[grey] * 3)
    size, room = np.array(patch.shape[1::-1]), np.array([width, height])
    scale = 1.0 if (size < room).all() else 0.95 * float((room / size).min())
    # Turned about the centre of the patch, which then lies near the centre of the scene.
    matrix = cv2.getRotationMatrix2D((size / 2).tolist(), rng.normal(0, 5), scale)
    matrix[:, 2] += (room - size) / 2 + rng.normal(0, 0.1, 2) * side
    mask = cv2.warpAffine(np.ones(patch.shape[:2], np.float32), matrix, (width, height))[..., None]
    picture = cv2.warpAffine(patch, matrix, (width, height)) + background * (1 - mask)
    corners = (box.reshape(2, 2) - [left, top] + border) @ matrix[:, :2].T + matrix[:, 2]
    moved = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8), moved


def degraded(pixels: Pixels, box: Floats, rng: np.random.Generator) -> tuple[Pixels, Floats]:
    """Downscale, blur and compress as JPEG, each with a probability of its own.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        box: float32 (4,): left, top, right, bottom of the face, in pixels.
        rng: draws which, and how much.

    Returns:
        The picture and the box, both downscaled alike.
    """
    scale = rng.uniform(0.35, 1.0) if rng.random() < 0.6 else 1.0
    scale = max(scale, min(1.0, MIN_FACE_HEIGHT / float(box[3] - box[1])))
    if scale < 1:
        pixels, box = _downscaled(pixels, scale), box * np.float32(scale)
    if rng.random() < 0.3:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 2.0)), np.uint8)
    if rng.random() < 0.6:
        pixels = recapture.jpeg_roundtrip(pixels, int(rng.integers(30, 97)))
    return pixels, box


def jittered(box: Floats, rng: np.random.Generator) -> Floats:
    """The box, float32 (4,), shifted by 5 % of its sides and scaled by 8 %: standard deviations of normal draws."""
    size = box[2:] - box[:2]
    centre = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.05, 2) * size
    half = size / 2 * np.exp(rng.normal(0, 0.08))
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def generate_crops(photos: Sequence[Path]) -> Iterator[Pixels]:
    """Crops without end, in random order: each pass draws every photo once, and pairs it with a random scene.

    Raises:
        ConvertError: a whole pass gave no crop.
    """
    rng, count = np.random.default_rng(SEED), len(photos)
    start, productive = 0, True
    with ProcessPoolExecutor() as pool:
        while productive:
            productive = False
            order, scenes = ([photos[index] for index in rng.permutation(count)] for _ in range(2))
            for crop in pool.map(crop_of, range(start, start + count), order, scenes, chunksize=8):
                if crop is not None:
                    productive = True
                    yield crop
            start += count
    raise ConvertError("no photo shows a face that is large enough")


def main() -> None:
    """Make the crops; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.crops", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    np.save(arguments.out, np.stack(list(islice(generate_crops(list_photos(arguments.photos)), arguments.count))))


if __name__ == "__main__":
    main()
