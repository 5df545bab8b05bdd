"""The eyes: how far apart they are, and how far open.

The mesh guesses an open eye where the lids are closed, so that its lids tell little. What is seen there tells: the
edges of a small picture of each eye, weighed as a sum. docs/models/quality.md says what it was learned from.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine import warp
from senseid_engine.errors import ModelError
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.landmarks import Landmarks

FORMAT = 1

# The middle of the upper and of the lower lid of each eye.
UPPER_LIDS = (159, 386)
LOWER_LIDS = (145, 374)

WIDTH, HEIGHT = 32, 24
"""Size of the picture of an eye, pixels."""
CORNERS = np.array([[7.0, 12.0], [25.0, 12.0]], np.float32)
"""Where the corners of the eye belong in it: the outer one left, the inner one right."""
CELL, DIRECTIONS = 4, 8
"""Edges are summed over cells of so many pixels a side, by so many directions."""
FEATURES = (WIDTH // CELL) * (HEIGHT // CELL) * DIRECTIONS
# Edges that are fainter than this, as the root mean square over the cells, are no edges.
_FAINT = 3.0


def eye_distance(landmarks: Landmarks) -> float:
    """From the centre of one eye to that of the other, pixels: how much detail a face can have."""
    points = landmarks.points
    across = points[list(RIGHT_EYE)].mean(axis=0) - points[list(LEFT_EYE)].mean(axis=0)
    return float(np.linalg.norm(across))


def lids_apart(landmarks: Landmarks) -> float:
    """Mean distance between the lids of the mesh, in units of the distance of the eyes; about 0.13 for open eyes."""
    points = landmarks.points
    gaps = np.linalg.norm(points[list(UPPER_LIDS)] - points[list(LOWER_LIDS)], axis=1)
    return float(gaps.mean()) / eye_distance(landmarks)


@dataclass(frozen=True, slots=True)
class EyesOpen:
    """How far eyes are open, from the edges of their pictures.

    Attributes:
        weights: float32 (FEATURES,), what each edge weighs.
        bias: what is added.
    """

    weights: Floats
    bias: float

    @classmethod
    def parse(cls, data: bytes) -> EyesOpen:
        """Read the registry's `eyes-open.toml`.

        Raises:
            ModelError: it is not such a file.
        """
        try:
            table = tomllib.loads(data.decode())
            if table["format"] != FORMAT:
                raise ModelError("eyes-open", f"format {table['format']} is not {FORMAT}: update senseid")
            weights, bias = np.array(table["weights"], np.float32), float(table["bias"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError("eyes-open", f"not weights of edges ({error})") from error
        if weights.shape != (FEATURES,) or not np.isfinite(weights).all() or not np.isfinite(bias):
            raise ModelError("eyes-open", f"has not {FEATURES} finite weights")
        return cls(weights, bias)

    def of(self, pixels: Pixels, landmarks: Landmarks) -> float:
        """How far the eyes are open, in [0, 1]: the mean of both, 0 for closed ones, 1 for wide open ones.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            landmarks: of a face of that photo.
        """
        return self.of_pictures(eye_pictures(pixels, landmarks))

    def of_pictures(self, pictures: Pixels) -> float:
        """The same of pictures that are cut out already: uint8 (n, HEIGHT, WIDTH)."""
        told = edges(pictures) @ self.weights + np.float32(self.bias)
        return min(max(float(told.mean()), 0.0), 1.0)


def eye_pictures(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """The eyes, cut out in grey, their corners level, the one at the right of the picture mirrored.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        landmarks: of a face of that photo.

    Returns:
        uint8 (2, HEIGHT, WIDTH).
    """
    import cv2

    pictures = []
    for corners, mirrored in ((LEFT_EYE, False), (RIGHT_EYE, True)):
        points = landmarks.points[list(corners), :2]
        there = CORNERS
        if mirrored:
            there = np.stack([WIDTH - 1 - CORNERS[::-1, 0], CORNERS[::-1, 1]], axis=1)
        chip = warp.warp(pixels, warp.similarity(points, there), WIDTH)[:HEIGHT]
        grey = cv2.cvtColor(np.ascontiguousarray(chip), cv2.COLOR_RGB2GRAY)
        pictures.append(grey[:, ::-1] if mirrored else grey)
    return np.stack(pictures).astype(np.uint8)


def edges(pictures: Pixels) -> Floats:
    """How much edge of each direction each cell of a picture has.

    After Dalal and Triggs, "Histograms of oriented gradients for human detection", 2005; of light and dark, so that a
    lid's upper and lower edge differ.

    Args:
        pictures: uint8 (n, HEIGHT, WIDTH), grey.

    Returns:
        float32 (n, FEATURES), whatever the light and the contrast.
    """
    light = np.sqrt(pictures.astype(np.float32))
    across, down = np.zeros_like(light), np.zeros_like(light)
    across[:, :, 1:-1] = light[:, :, 2:] - light[:, :, :-2]
    down[:, 1:-1] = light[:, 2:] - light[:, :-2]
    strength = np.hypot(across, down)
    direction = np.arctan2(down, across) / (2 * np.pi) * DIRECTIONS % DIRECTIONS
    # Each edge counts for the two directions that it lies between.
    bins = np.arange(DIRECTIONS, dtype=np.float32)
    away = np.abs((direction[..., None] - bins + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2)
    shared = strength[..., None] * np.maximum(1 - away, 0)
    cells = shared.reshape(-1, HEIGHT // CELL, CELL, WIDTH // CELL, CELL, DIRECTIONS).sum(axis=(2, 4))
    usual = np.sqrt(np.square(cells).sum(axis=(1, 2, 3), keepdims=True) / (cells.shape[1] * cells.shape[2]))
    found: Floats = np.sqrt(cells / (usual + np.float32(_FAINT))).reshape(len(pictures), -1).astype(np.float32)
    return found
