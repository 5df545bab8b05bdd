"""What happens to a chip before the network sees it.

The sources differ in margin, light, resolution and compression; left alone, the network would learn the source. So each
is changed a little, for bona fide faces and attacks alike. But how blurred a face is says something too, because a
recapture goes through two lenses and two codecs: no bona fide face is made as poor as some attacks are.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .network import LOOSE, TIGHT
from .prepare import LOOSE_CROP, LOOSE_SIDE, TIGHT_CROP, TIGHT_SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

FACE, AROUND = 1.2, 2.7
"""Sides of the squares that the network sees, in units of the longer side of the face's box."""


def plain(tight: np.ndarray, loose: np.ndarray) -> np.ndarray:
    """The chip as the engine cuts it: uint8 (TIGHT + LOOSE, TIGHT, 3)."""
    return _stack(
        _cut(tight, TIGHT_SIDE, TIGHT_CROP / FACE, TIGHT, np.eye(2), (0.0, 0.0)),
        _cut(loose, LOOSE_SIDE, LOOSE_CROP / AROUND, LOOSE, np.eye(2), (0.0, 0.0)),
    )


def augmented(tight: np.ndarray, loose: np.ndarray, rng: np.random.Generator, *, attack: bool) -> np.ndarray:
    """A chip as `plain`, changed."""
    if rng.random() < 0.5:
        tight, loose = tight[:, ::-1], loose[:, ::-1]
    if rng.random() < 0.45:
        window = rng.uniform((-0.75, -0.85, 0.42, 0.5), (-0.42, -0.5, 0.75, 0.85))
        tight, loose = _only(tight, TIGHT_CROP, window), _only(loose, LOOSE_CROP, window)
    angle, zoom = math.radians(rng.normal(0, 5)), math.exp(rng.normal(0, 0.08))
    turn = zoom * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    shift = rng.normal(0, 0.03, 2)
    face = _cut(tight, TIGHT_SIDE, TIGHT_CROP / FACE, TIGHT, turn, shift / FACE)
    around = _cut(loose, LOOSE_SIDE, LOOSE_CROP / AROUND, LOOSE, turn, shift / AROUND)
    if rng.random() < 0.25:
        around = np.zeros_like(around)
    steps = _steps(rng, attack=attack)
    return _stack(_through(face, steps), _through(around, steps))


def _steps(rng: np.random.Generator, *, attack: bool) -> list[Callable[[np.ndarray], np.ndarray]]:
    """What happens to the pixels of both squares."""
    gain = np.exp(rng.normal(0, 0.06, 3) + rng.normal(0, 0.12))
    table = (np.linspace(0, 1, 256) ** math.exp(rng.normal(0, 0.2)))[:, None] * gain * 255
    table = np.clip(np.round(table), 0, 255).astype(np.uint8)
    steps = [lambda part: np.stack([table[:, c][part[..., c]] for c in range(3)], axis=-1)]
    poor = attack and rng.random() < 0.2  # a replay of a poor recording
    if poor or rng.random() < 0.3:
        share = rng.uniform(0.25, 0.6) if poor else rng.uniform(0.6, 1.0)
        steps.append(lambda part: _shrunk(part, share))
    sharpness = rng.random()
    if sharpness < 0.12:
        radius = rng.uniform(0.3, 0.8)
        steps.append(lambda part: cv2.GaussianBlur(part, (0, 0), radius))
    elif sharpness < 0.16:
        kernel = _motion(rng)
        steps.append(lambda part: cv2.filter2D(part, -1, kernel))
    elif sharpness < 0.22:
        steps.append(lambda part: cv2.addWeighted(part, 1.7, cv2.GaussianBlur(part, (0, 0), 1.0), -0.7, 0))
    if rng.random() < 0.2:
        noise = rng.uniform(0, 4)
        steps.append(lambda part: np.clip(part + rng.normal(0, noise, part.shape), 0, 255).astype(np.uint8))
    if poor or rng.random() < 0.5:
        quality = int(rng.integers(20, 60) if poor else rng.integers(60, 97))
        steps.append(lambda part: cv2.imdecode(_jpeg(part, quality), cv2.IMREAD_COLOR))
    return steps


def _through(part: np.ndarray, steps: list[Callable[[np.ndarray], np.ndarray]]) -> np.ndarray:
    """The square after the steps; what was outside the photo stays black."""
    outside = ~part.any(axis=2, keepdims=True)
    for step in steps:
        part = step(part)
    return np.where(outside, np.uint8(0), part)


def _shrunk(part: np.ndarray, share: float) -> np.ndarray:
    side = part.shape[0]
    small = max(24, round(side * share))
    part = cv2.resize(part, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR)


def _jpeg(part: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]


def _stack(face: np.ndarray, around: np.ndarray) -> np.ndarray:
    chip = np.zeros((TIGHT + LOOSE, TIGHT, 3), np.uint8)
    chip[:TIGHT] = face
    chip[TIGHT:, :LOOSE] = around
    return chip


def _cut(
    image: np.ndarray, side: int, ratio: float, size: int, turn: np.ndarray, shift: tuple[float, float] | np.ndarray
) -> np.ndarray:
    """The middle 1 / `ratio` of a square, turned, scaled, shifted by a share of the result, as `size` pixels."""
    linear = turn * (size * ratio / side)
    offset = size / 2 * (1 + 2 * np.asarray(shift)) - linear @ np.array([side / 2, side / 2])
    matrix = np.column_stack([linear, offset])
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)


def _only(image: np.ndarray, crop: float, window: np.ndarray) -> np.ndarray:
    """Black outside a window: left, top, right, bottom from the centre, in units of the face's box."""
    side = image.shape[0]
    left, top, right, bottom = np.clip(np.round(side * (0.5 + window / crop)), 0, side).astype(int)
    kept = np.zeros_like(image)
    kept[top:bottom, left:right] = image[top:bottom, left:right]
    return kept


def _motion(rng: np.random.Generator) -> np.ndarray:
    size = int(rng.integers(2, 4)) * 2 + 1
    kernel = np.zeros((size, size), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = size // 2
    ends = [(round(reach + s * reach * math.cos(angle)), round(reach + s * reach * math.sin(angle))) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return kernel / kernel.sum()
