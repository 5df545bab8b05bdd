"""Soft masks drawn on a chip: polygons, lines and ellipses at twice the size, brought down so that edges are smooth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from senseid_engine.quality.occlusion import SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels

_SCALE = 2
# Fractional bits of OpenCV's coordinates.
_SHIFT = 4


def _fixed(points: Floats | Sequence[Sequence[float]]) -> np.ndarray:
    return np.round((np.asarray(points, np.float64) * _SCALE + 0.5) * 2**_SHIFT).astype(np.int32)


class Canvas:
    """A mask of 0..1 in the making."""

    def __init__(self) -> None:
        self._mask: Pixels = np.zeros((SIDE * _SCALE, SIDE * _SCALE), np.uint8)

    def polygon(self, points: Floats | Sequence[Sequence[float]], value: float = 1.0) -> Canvas:
        """Fill a polygon, (n, 2) in pixels of the chip."""
        cv2.fillPoly(self._mask, [_fixed(points)], int(255 * value), cv2.LINE_AA, _SHIFT)
        return self

    def line(self, points: Floats | Sequence[Sequence[float]], width: float, value: float = 1.0) -> Canvas:
        """Draw a line through points, with round ends."""
        thick = max(1, round(width * _SCALE))
        closed = False
        cv2.polylines(self._mask, [_fixed(points)], closed, int(255 * value), thick, cv2.LINE_AA, _SHIFT)
        return self

    def ellipse(self, centre: Sequence[float] | Floats, radii: Sequence[float], angle: float = 0.0) -> Canvas:
        """Fill an ellipse; `angle` in degrees."""
        around = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        return self.polygon(
            np.asarray(centre) + turned(np.column_stack([np.cos(around), np.sin(around)]) * radii, angle)
        )

    def mask(self, blur: float = 0.0) -> Floats:
        """The drawn mask: float32 (SIDE, SIDE), 0..1; `blur` is the sigma of its edges in pixels."""
        small = cv2.resize(self._mask, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        if blur > 0.2:
            small = cv2.GaussianBlur(small, (0, 0), blur)
        return small.astype(np.float32) / 255


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Points turned about the origin, clockwise on the screen."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]])


def smooth(points: Floats | Sequence[Sequence[float]], count: int) -> np.ndarray:
    """A curve through points, (count, 2): Catmull-Rom."""
    known = np.asarray(points, np.float64)
    padded = np.vstack([2 * known[0] - known[1], known, 2 * known[-1] - known[-2]])
    at = np.linspace(0, len(known) - 1 - 1e-9, count)
    index = at.astype(int)
    t = (at - index)[:, None]
    a, b, c, d = (padded[index + i] for i in range(4))
    curve: np.ndarray = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return curve


def moved(point: np.ndarray, x: float, y: float) -> np.ndarray:
    """A point, or points, moved by some pixels."""
    return point + np.array([x, y])


def noise(rng: np.random.Generator, grain: float) -> Floats:
    """Smooth noise about 0, of a deviation near 1: float32 (SIDE, SIDE); `grain` is the size of its spots, pixels."""
    cells = max(2, min(SIDE, round(SIDE / grain)))
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
