"""Textures of occluders: plain and patterned cloth, skin, plastic, and parts of other photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.occlusion.canvas import Canvas, moved, noise, turned
from senseid_engine.quality.occlusion import SIDE

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels

_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
# Surgical blue and green, white, black, greys, navy, pink, beige: what most masks are.
_CLOTHS = (
    (140, 190, 215),
    (150, 205, 195),
    (235, 238, 240),
    (25, 25, 28),
    (60, 62, 66),
    (130, 132, 136),
    (30, 38, 70),
    (225, 170, 180),
    (205, 185, 160),
)
_SKINS = ((235, 200, 175), (220, 175, 145), (190, 140, 110), (150, 100, 75), (100, 65, 50), (65, 42, 34))


def any_colour(rng: np.random.Generator) -> Floats:
    """A colour of any hue, (3,), 0..255."""
    hsv = np.array([[[rng.integers(180), rng.integers(256), rng.integers(20, 256)]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float32)


def cloth_colour(rng: np.random.Generator) -> Floats:
    """A colour that masks and scarves have, (3,)."""
    if rng.random() < 0.35:
        return any_colour(rng)
    if rng.random() < 0.12:
        return skin_colour(rng)
    return np.clip(np.array(_CLOTHS[rng.integers(len(_CLOTHS))], np.float32) + rng.normal(0, 12, 3), 0, 255).astype(
        np.float32
    )


def skin_colour(rng: np.random.Generator) -> Floats:
    """A colour of skin, (3,)."""
    one, other = (np.array(_SKINS[i], np.float32) for i in rng.integers(len(_SKINS), size=2))
    share = rng.random()
    return np.clip(share * one + (1 - share) * other + rng.normal(0, 8, 3), 0, 255).astype(np.float32)


def plain(rng: np.random.Generator, colour: Floats) -> Floats:
    """A surface of one colour, a little uneven: float32 (SIDE, SIDE, 3)."""
    uneven = rng.uniform(0, 10) * noise(rng, 24) + rng.uniform(0, 6) * noise(rng, 4)
    return colour + uneven[..., None]


def cloth(rng: np.random.Generator, colour: Floats) -> Floats:
    """Cloth of that colour, often with a pattern."""
    surface = plain(rng, colour)
    if rng.random() < 0.4:
        pattern = (stripes, _dots, _blotches, _writing)[rng.integers(4)](rng)[..., None]
        surface = surface * (1 - pattern) + any_colour(rng) * pattern
        if rng.random() < 0.3:
            second = _blotches(rng)[..., None]
            surface = surface * (1 - second) + any_colour(rng) * second
    return surface


def stripes(rng: np.random.Generator) -> Floats:
    """Stripes or a chequer: float32 (SIDE, SIDE), 0..1."""
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 20)
    along = np.cos(angle) * _X + np.sin(angle) * _Y
    stripes = (np.sin(along * 2 * np.pi / period) > rng.uniform(-0.6, 0.6)).astype(np.float32)
    if rng.random() < 0.4:
        across = -np.sin(angle) * _X + np.cos(angle) * _Y
        stripes = (stripes + (np.sin(across * 2 * np.pi / period) > 0)) / 2
    return np.asarray(stripes, np.float32)


def _dots(rng: np.random.Generator) -> Floats:
    canvas, step = Canvas(), rng.uniform(6, 16)
    tilt, radius = rng.uniform(0, 90), step * rng.uniform(0.15, 0.4)
    grid = np.mgrid[-12:13, -12:13].reshape(2, -1).T * step
    for dot in turned(grid, tilt) + SIDE / 2:
        if (dot > -radius).all() and (dot < SIDE + radius).all():
            canvas.ellipse(dot, (radius, radius))
    return canvas.mask()


def _blotches(rng: np.random.Generator) -> Floats:
    return np.clip((noise(rng, rng.uniform(3, 20)) - rng.uniform(0, 1)) * 3, 0, 1)


def _writing(rng: np.random.Generator) -> Floats:
    """A few strokes, like a logo or a word."""
    canvas, at = Canvas(), np.array([rng.uniform(20, 50), rng.uniform(45, 85)])
    for _ in range(rng.integers(3, 9)):
        canvas.line(at + rng.uniform(-5, 5, (4, 2)), rng.uniform(1, 2.5))
        at = moved(at, rng.uniform(4, 7), rng.normal(0, 1))
    return canvas.mask()


def of_photo(rng: np.random.Generator, photo: Pixels) -> Floats:
    """A part of a photo as a surface, enlarged, turned or mirrored, so that no whole face is in it."""
    side = int(rng.integers(24, 64))
    # Corners and edges show background, hair and clothes.
    top, left = (
        int(rng.choice([0, n - side])) if rng.random() < 0.7 else int(rng.integers(n - side)) for n in photo.shape[:2]
    )
    part = np.rot90(photo[top : top + side, left : left + side], int(rng.integers(4)))
    return cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def any_surface(rng: np.random.Generator, photo: Pixels) -> Floats:
    """A surface of any kind."""
    kind = rng.random()
    if kind < 0.35:
        return plain(rng, any_colour(rng))
    if kind < 0.6:
        return cloth(rng, cloth_colour(rng))
    return of_photo(rng, photo)
