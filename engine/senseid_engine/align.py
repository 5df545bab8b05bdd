"""Alignment: cropping a face from a photo as an embedding model expects it."""

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
    """A way to crop a face."""

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Crop the face from its photo: uint8 (side, side, 3), RGB, black outside the photo."""


@dataclass(frozen=True, slots=True)
class FivePointAlignment:
    """The similarity transform that brings the five points of a face closest to where a model expects them.

    Attributes:
        template: float32 (5, 2), the target positions of those points, in pixels of the chip.
        side: side of the chip, pixels.
    """

    template: Floats
    side: int

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Crop the face from its photo: uint8 (side, side, 3), RGB, black outside the photo."""
        return warp.warp(pixels, warp.similarity(face.points, self.template), self.side)


@dataclass(frozen=True, slots=True)
class MeshAlignment:
    """The same with points of the face mesh.

    Attributes:
        mesh_points: for each template point the landmark, of 468.
        template: float32 (n, 2), the target positions of those points, in pixels of the chip.
        side: side of the chip, pixels.
    """

    mesh_points: tuple[int, ...]
    template: Floats
    side: int

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Crop the face from its photo: uint8 (side, side, 3), RGB, black outside the photo."""
        points = face.landmarks.points[list(self.mesh_points), :2]
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
        """Crop the face from its photo: uint8 (side, side, 3), RGB, black outside the photo."""
        centre = (face.box[0:2] + face.box[2:4]) / 2
        square = self.crop * float((face.box[2:4] - face.box[0:2]).max())
        return warp.warp(pixels, warp.square_crop(centre, square, math.radians(face.roll), self.side), self.side)


@dataclass(frozen=True, slots=True)
class SurroundingsCrop:
    """A wide crop about the detector's box that stays inside the photo: what is next to a face, and no black.

    Where the photo ends, the crop is moved and, if need be, made smaller; then it is stretched to a square. It is
    sampled without averaging, so that the beat of a screen's pixels remains.

    Attributes:
        crop: width and height of the crop in units of those of the box.
        side: side of the chip: how many pixels are taken from a row and a column.
    """

    crop: float
    side: int

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        """Crop the face from its photo: uint8 (side, side, 3), RGB."""
        import cv2

        photo = np.array(pixels.shape[1::-1])
        box = face.box[2:4] - face.box[0:2]
        size = box * min(self.crop, float((photo / box).min()))
        start = np.clip((face.box[0:2] + face.box[2:4] - size) / 2, 0, photo - size)
        left, top = start.astype(int).tolist()
        right, bottom = np.ceil(start + size).astype(int).tolist()
        return np.asarray(cv2.resize(pixels[top:bottom, left:right], (self.side, self.side)), np.uint8)
