"""`python -m models.recipes.occlusion.faces LFW FACES.npz`: real faces for training, cropped from their photos once.

The file holds faces, which are personal data: it stays at the given path, and goes into no package.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from models.recipes.licences import licences_of_this_run
from senseid_engine import warp
from senseid_engine.errors import EngineError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image, read_photo
from senseid_engine.quality.occlusion import ALIGNMENT, SIDE
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_engine.image import Image

MARGIN = 32
"""Margin around the chip on every side, in pixels, so that it can be turned, moved and zoomed."""
WIDE = SIDE + 2 * MARGIN

Part = Literal["train", "validation", "test"]


def part_of(person: str) -> Part:
    """The part that a person belongs to, with all photos: 10 % validate, 15 % test, whatever the set."""
    share = hashlib.sha256(person.encode()).digest()[0] / 256
    return "validation" if share < 0.1 else "test" if share < 0.25 else "train"


class Columns:
    """Base of dataclasses of arrays that have one entry for each example, or for each face."""

    def pick(self, which: np.ndarray) -> Self:
        """Select entries by a mask or an index."""
        return type(self)(**{name: column[which] for name, column in self._columns().items()})

    def save(self, path: Path) -> None:
        """Write them to a file of their own."""
        np.savez(path, **self._columns())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read them back."""
        with np.load(path) as data:
            return cls(**data)

    def _columns(self) -> dict[str, np.ndarray]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Faces(Columns):
    """Faces cut out of photos.

    Attributes:
        pixels: uint8 (n, WIDE, WIDE, 3), RGB: the aligned chip and `MARGIN` pixels around it.
        points: float32 (n, 468, 2), the mesh in pixels of `pixels`.
        names: (n,) which photo it is, `folder/file`; the folder is the person.
    """

    pixels: Pixels
    points: Floats
    names: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def of(self, part: Part) -> Faces:
        """Select the faces of the people of one part."""
        return self.pick(np.array([part_of(str(name).split("/")[0]) == part for name in self.names]))


def cut_out(photos: Sequence[Path], finder: FaceFinder) -> Faces:
    """The largest face of each photo that has one."""
    pixels, points, names = [], [], []
    for number, path in enumerate(photos):
        if number % 500 == 0:
            print(f"{number} of {len(photos)} photos", flush=True)
        try:
            photo = finder.find(decode_image(read_photo(path), name=str(path)))
        except EngineError as error:
            print(f"left out: {error}")
            continue
        wide, mesh = wide_chip(photo.image, photo.faces[0])
        pixels.append(wide)
        points.append(mesh)
        names.append(f"{path.parent.name}/{path.name}")
    return Faces(np.stack(pixels), np.stack(points), np.array(names))


def wide_chip(image: Image, face: Face) -> tuple[Pixels, Floats]:
    """The aligned chip with `MARGIN` pixels around it, (WIDE, WIDE, 3), and the mesh in it, (468, 2)."""
    mesh = face.landmarks.points[:, :2]
    anchors = mesh[list(ALIGNMENT.mesh_points)]
    matrix = warp.similarity(anchors, ALIGNMENT.template + np.float32(MARGIN))
    return warp.warp(image.pixels, matrix, WIDE), warp.apply(matrix, mesh)


def main() -> None:
    """Cut the faces out; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.occlusion.faces", description=__doc__)
    parser.add_argument("photos", type=Path, help="a folder with one sub-folder a person")
    parser.add_argument("out", type=Path, help="the .npz file to write")
    words = parser.parse_args()
    finder = FaceFinder.open(Registry.builtin(), licences_of_this_run(), threads=1)
    cut_out(sorted(words.photos.glob("*/*.jpg")), finder).save(words.out)


if __name__ == "__main__":
    main()
