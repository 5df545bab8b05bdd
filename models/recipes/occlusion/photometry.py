"""The effects of cameras and files on a chip: light, colour, blur, coarse pixels, noise, JPEG, an edge of the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.occlusion.canvas import Canvas, turned
from senseid_engine.quality.occlusion import SIDE

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels

_TRIES = 3
_LEAST_CONTRAST, _DARKEST, _BRIGHTEST = 20, 35, 225


def colours(pixels: Floats, rng: np.random.Generator) -> Floats:
    """Contrast, brightness, gamma, a cast of colour, or no colour; 0..255, and never so that nothing is left to see."""
    pixels = np.clip(pixels, 0, 255)
    for _ in range(_TRIES):
        changed = _changed(pixels, rng)
        if changed.std() > _LEAST_CONTRAST and _DARKEST < changed.mean() < _BRIGHTEST:
            return changed
    return pixels


def _changed(pixels: Floats, rng: np.random.Generator) -> Floats:
    if rng.random() < 0.6:
        mean = pixels.mean()
        pixels = np.clip((pixels - mean) * rng.uniform(0.55, 1.35) + mean + rng.normal(0, 22), 0, 255)
    if rng.random() < 0.5:
        pixels = 255 * (pixels / 255) ** np.exp(rng.normal(0, 0.4))
    if rng.random() < 0.4:
        pixels = pixels * np.exp(rng.normal(0, 0.13, 3))
    if rng.random() < 0.3:
        grey = pixels.mean(axis=2, keepdims=True)
        pixels = grey + (pixels - grey) * (0 if rng.random() < 0.5 else rng.uniform(0.2, 1.6))
    return np.clip(pixels, 0, 255).astype(np.float32)


def degraded(pixels: Floats, rng: np.random.Generator) -> Pixels:
    """Blur, coarse pixels, noise and JPEG, each in some of the chips."""
    if rng.random() < 0.35:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 2.2))
    if rng.random() < 0.35:
        small = int(rng.integers(28, SIDE))
        pixels = cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(pixels, (SIDE, SIDE), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC])))
    if rng.random() < 0.3:
        pixels = pixels + rng.uniform(1, 12) * rng.standard_normal(pixels.shape, np.float32)
    chip = np.clip(pixels, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", chip, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 95))])
        chip = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return chip


def edge_of_photo(rng: np.random.Generator) -> Floats:
    """1 inside a photo that ends near the face, 0 outside, where the chip is black: (SIDE, SIDE)."""
    half = rng.uniform(18, 60, 4)
    corners = np.array([(-half[0], -half[1]), (half[2], -half[1]), (half[2], half[3]), (-half[0], half[3])])
    return Canvas().polygon(turned(corners, rng.normal(0, 12)) + SIDE / 2).mask()
