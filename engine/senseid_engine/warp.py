"""Cropping an upright square chip from a photo by a similarity transform."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.arrays import Doubles, Floats, Pixels


def similarity(source: Floats, target: Floats) -> Doubles:
    """The least-squares similarity transform that takes `source` to `target`.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991, in the
    closed form that two dimensions allow: with centred points as complex numbers the best rotation and scale
    are one complex factor. It cannot mirror.

    Args:
        source: (n, 2), x and y.
        target: (n, 2), x and y.

    Returns:
        float64 (2, 3), applied as `matrix @ [x, y, 1]`.
    """
    from_mean, to_mean = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    centred, wanted = source - from_mean, target - to_mean
    spread = float((centred**2).sum())
    a = float((centred * wanted).sum()) / spread
    b = float((centred[:, 0] * wanted[:, 1] - centred[:, 1] * wanted[:, 0]).sum()) / spread
    matrix = np.array([[a, -b, 0.0], [b, a, 0.0]])
    matrix[:, 2] = to_mean - matrix[:, :2] @ from_mean
    return matrix


def square_crop(centre: Floats | Doubles, side: float, angle: float, size: int) -> Doubles:
    """The transform that takes a square of the photo to a chip of `size` pixels.

    Args:
        centre: (2,), centre of the square, photo pixels.
        side: side of the square, photo pixels.
        angle: how far the square's top edge is turned from level, in radians, positive clockwise on the screen.
        size: side of the chip, pixels.
    """
    scale = size / side
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    matrix[:, 2] = size / 2 - matrix[:, :2] @ centre.astype(np.float64)
    return matrix


def apply(matrix: Doubles, points: Floats) -> Floats:
    """Apply a (2, 3) transform to (..., 2) points; float32."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: Doubles) -> Doubles:
    """The transform that undoes `matrix`."""
    # Written out: for two dimensions numpy's solver takes ten times as long.
    (a, b, x), (c, d, y) = matrix.tolist()
    inverse: Doubles = np.array([[d, -b, b * y - d * x], [-c, a, c * x - a * y]]) / (a * d - b * c)
    return inverse


def scale_of(matrix: Doubles) -> float:
    """How many times as long a line is after the transform as before, for one that keeps angles."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return math.sqrt(abs(a * d - b * c))


def warp(pixels: Pixels, matrix: Doubles, size: int, *, repeat_edge: bool = False) -> Pixels:
    """Cut a chip of (size, size, 3) out of the photo, bilinear; outside it is black, or repeats the pixels at the edge.

    Where the chip shrinks the photo by two or more, the part it covers is averaged down first: bilinear sampling
    alone would skip pixels and alias.
    """
    import cv2

    shrink = int(1 / scale_of(matrix))
    if shrink >= 2:
        corners = apply(invert(matrix), np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float32))
        height, width = pixels.shape[:2]
        left, top = np.clip(np.floor(corners.min(axis=0)).astype(int) - shrink, 0, (width - 1, height - 1))
        right, bottom = np.clip(
            np.ceil(corners.max(axis=0)).astype(int) + 2 * shrink, (left + 1, top + 1), (width, height)
        )
        part = pixels[top:bottom, left:right]
        small = (max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink))
        # Whole blocks of pixels, for which OpenCV has a path ten times as fast; what is left out, at the edge of the
        # photo, is less than a pixel of the chip.
        part = part[: small[1] * shrink, : small[0] * shrink]
        ratio = np.array([part.shape[1] / small[0], part.shape[0] / small[1]])
        pixels = np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)
        # A pixel's centre lies half a pixel in: x = ratio * (x' + 0.5) - 0.5 + left.
        linear = matrix[:, :2] * ratio
        offset = matrix[:, 2] + matrix[:, :2] @ (np.array([left, top]) + (ratio - 1) / 2)
        matrix = np.column_stack([linear, offset])
    border = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
