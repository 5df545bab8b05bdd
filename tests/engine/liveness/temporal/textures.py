"""A texture like that of a face, a warp like that of a mouth, and one like that of a sheet of paper."""

from __future__ import annotations

import cv2
import numpy as np

SIDE = 160
AREA = np.zeros((SIDE, SIDE), np.uint8)
AREA[22:139, 22:139] = 255
TIMES = [i / 10 for i in range(30)]


def texture(seed: int) -> np.ndarray:
    """float32 (SIDE, SIDE), grey."""
    rng = np.random.default_rng(seed)
    layers = [cv2.resize(rng.uniform(0, 255, (n, n)).astype(np.float32), (SIDE, SIDE)) for n in (8, 16, 32)]
    return np.mean(layers, axis=0)


def speaking(face: np.ndarray, swelling: float) -> np.ndarray:
    """The face with its lower part moved by so many pixels."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    down = swelling * np.exp(-((x - 80) ** 2 + (y - 110) ** 2) / 30**2)
    return cv2.remap(face, x, (y + down).astype(np.float32), cv2.INTER_LINEAR)


def tilted(face: np.ndarray) -> np.ndarray:
    """The face as a plane that was moved and tilted."""
    start = np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]], np.float32)
    end = start + np.array([[3, 2], [-2, 4], [-4, -3], [2, -1]], np.float32)
    return cv2.warpPerspective(face, cv2.getPerspectiveTransform(start, end), (SIDE, SIDE))
