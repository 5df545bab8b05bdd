"""Changes of a face that cover nothing: clear glasses, beards, make-up, hard shadows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.occlusion import textures
from models.recipes.occlusion.canvas import Canvas, moved, noise, smooth, turned
from models.recipes.occlusion.occluders import Scene, frame, lenses
from senseid_engine.quality.occlusion import REGIONS, SIDE

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats

_INNER_MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
_BEARD = (93, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 323, 425, 327, 2, 98, 205)


def _mix(pixels: Floats, colour: Floats, share: Floats) -> Floats:
    return pixels * (1 - share[..., None]) + colour * share[..., None]


def glasses(scene: Scene, rng: np.random.Generator) -> Floats:
    """Glasses to see through: rims, a faint tint, a reflection that leaves the eye visible."""
    outlines = lenses(scene, rng, 1.3, 2.0)
    canvas = Canvas()
    for outline in outlines:
        canvas.polygon(outline)
    lens = canvas.mask()
    pixels = _mix(scene.pixels, textures.any_colour(rng), lens * rng.uniform(0, 0.25))
    if rng.random() < 0.4:
        streak = Canvas().line(moved(rng.uniform(16, 80, (2, 2)) * (1, 0.2), 0, 22), rng.uniform(1, 4)).mask(0.8)
        pixels = pixels + (lens * streak * rng.uniform(20, 120))[..., None]
    tone = (
        textures.any_colour(rng) * rng.uniform(0, 1)
        if rng.random() < 0.5
        else np.full(3, rng.uniform(5, 60), np.float32)
    )
    return _mix(pixels, tone, frame(scene, rng, outlines, rng.uniform(0.5, 2.5)) * rng.uniform(0.6, 1))


def beard(scene: Scene, rng: np.random.Generator) -> Floats:
    """A beard or a moustache around the lips."""
    points = scene.points
    tone = np.array([(25, 20, 18), (70, 48, 32), (130, 90, 55), (190, 185, 180)][rng.integers(4)], np.float32)
    canvas = Canvas()
    if rng.random() < 0.65:
        canvas.polygon(points[list(_BEARD)])
    else:
        canvas.line(smooth(points[[61, 2, 291]] * (1, 0.5) + points[[61, 0, 291]] * (0, 0.5), 12), rng.uniform(3, 6))
    lips = Canvas().polygon(points[list(_LIPS)]).mask(0.6)
    inner = Canvas().polygon(points[list(_INNER_MOUTH)]).mask(0.5)
    share = canvas.mask(rng.uniform(0.8, 2.5)) * (1 - np.maximum(lips * rng.uniform(0.5, 1), inner))
    share = share * np.clip(rng.uniform(0.3, 0.95) + 0.25 * noise(rng, 1.5), 0, 1)
    surface = tone + rng.uniform(5, 20) * noise(rng, 1.2)[..., None]
    return _mix(scene.pixels, surface.astype(np.float32), share)


def make_up(scene: Scene, rng: np.random.Generator) -> Floats:
    """Painted lips, and shadow on the lids."""
    lips = Canvas().polygon(scene.points[list(_LIPS)]).mask(0.6)
    inner = Canvas().polygon(scene.points[list(_INNER_MOUTH)]).mask(0.4)
    red = np.array([rng.uniform(90, 220), rng.uniform(0, 70), rng.uniform(20, 110)], np.float32)
    pixels = _mix(scene.pixels, red, np.clip(lips - inner, 0, 1) * rng.uniform(0.3, 0.8))
    if rng.random() < 0.5:
        canvas = Canvas()
        for name in ("left_eye", "right_eye"):
            canvas.polygon(moved(cv2.convexHull(scene.points[list(REGIONS[name])])[:, 0], 0, -1.5))
        pixels = _mix(pixels, textures.any_colour(rng) * 0.5, canvas.mask(1.5) * rng.uniform(0.1, 0.45))
    return pixels


def shadow(scene: Scene, rng: np.random.Generator) -> Floats:
    """A shadow with a hard edge, or light from one side."""
    at, angle = rng.uniform(24, 72, 2), rng.uniform(0, 360)
    edge = np.column_stack([np.linspace(-120, 120, 9), rng.normal(0, rng.uniform(0, 8), 9)])
    outline = turned(np.vstack([smooth(edge, 60), [(120, 200), (-120, 200)]]), angle) + at
    mask = Canvas().polygon(outline).mask(rng.choice([0.5, 2, 8]))
    if rng.random() < 0.25:  # of blinds or leaves
        mask = mask * (textures.stripes(rng) if rng.random() < 0.5 else np.clip(noise(rng, 10) * 4, 0, 1))
    keep = rng.uniform(0.15, 0.8) ** np.array([1, 1, rng.uniform(0.8, 1)], np.float32)
    return np.asarray(scene.pixels * (1 - mask[..., None] * (1 - keep)), np.float32)


def glare(scene: Scene, rng: np.random.Generator) -> Floats:
    """A bright spot on forehead, nose or cheeks."""
    canvas = Canvas()
    for _ in range(rng.integers(1, 4)):
        canvas.ellipse(rng.uniform(20, 76, 2), rng.uniform(2, 14, 2), rng.uniform(0, 180))
    spots = canvas.mask(rng.uniform(1, 5)) * rng.uniform(0.1, 0.7)
    return _mix(scene.pixels, np.full((SIDE, SIDE, 3), 255, np.float32), spots)


HARMLESS = ((glasses, 0.16), (beard, 0.12), (make_up, 0.1), (shadow, 0.18), (glare, 0.06))
"""Each change and how often a face has it."""
