"""Photos on which a face is covered by drawing: with a mask, or with sunglasses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from models.recipes.occlusion.occluders import Scene, face_mask, sunglasses
from senseid_engine import warp
from senseid_engine.quality.occlusion import ALIGNMENT, SIDE

if TYPE_CHECKING:
    from senseid_engine.faces import Face
    from senseid_engine.image import Image

Covering = Literal["mask", "sunglasses"]
COVERINGS: tuple[Covering, ...] = ("mask", "sunglasses")
_DRAW = {"mask": face_mask, "sunglasses": sunglasses}


def cover(image: Image, face: Face, covering: Covering, rng: np.random.Generator) -> Image:
    """The photo with that face covered, as the occlusion network was taught what covers faces.

    Args:
        image: the photo.
        face: a face of it.
        covering: what is drawn.
        rng: chooses shape, colour and pattern.
    """
    matrix = warp.similarity(face.landmarks.points[list(ALIGNMENT.mesh_points), :2], ALIGNMENT.template)
    chip = warp.warp(image.pixels, matrix, SIDE).astype(np.float32)
    layer = _DRAW[covering](Scene(chip, warp.apply(matrix, face.landmarks.points[:, :2]), image.pixels), rng)
    size = (image.width, image.height)
    colour, opacity = (
        cv2.warpAffine(part, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for part in (np.clip(layer.colour, 0, 255), layer.opacity)
    )
    mixed = image.pixels * (1 - opacity[..., None]) + colour * opacity[..., None]
    return replace(image, pixels=np.rint(mixed).astype(np.uint8))
