"""Cutting a face out of a photo as an embedding model expects it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from senseid_engine import warp

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face


class Alignment(Protocol):
    """One way to cut a face out."""

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Cut the face out of its photo: uint8 (side, side, 3), RGB, black outside the photo."""


@dataclass(frozen=True, slots=True)
class TemplateAlignment:
    """The similarity transform that brings landmarks closest to where a model expects them.

    Attributes:
        mesh_points: for each template point, the landmarks (of 468) whose mean it is.
        template: float32 (n, 2), where those points belong, in pixels of the chip.
        side: side of the chip, pixels.
    """

    mesh_points: tuple[tuple[int, ...], ...]
    template: Floats
    side: int

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Cut the face out of its photo: uint8 (side, side, 3), RGB, black outside the photo."""
        grouped = face.landmarks.points[[index for group in self.mesh_points for index in group], :2]
        counts = [len(group) for group in self.mesh_points]
        # The sums of all groups at once: a mean of each by itself takes milliseconds a photo.
        sums: Floats = np.add.reduceat(grouped, np.cumsum([0, *counts[:-1]]))
        points: Floats = sums / np.array(counts, np.float32)[:, None]
        return warp.warp(pixels, warp.similarity(points, self.template), self.side)


@dataclass(frozen=True, slots=True)
class CropAlignment:
    """A square about the detector's box, turned so that the eyes are level.

    Attributes:
        crop: side of the square in units of the larger side of the box.
        side: side of the chip, pixels.
    """

    crop: float
    side: int

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Cut the face out of its photo: uint8 (side, side, 3), RGB, black outside the photo."""
        centre = (face.box[0:2] + face.box[2:4]) / 2
        square = self.crop * float((face.box[2:4] - face.box[0:2]).max())
        return warp.warp(pixels, warp.square_crop(centre, square, math.radians(face.roll), self.side), self.side)
