"""Photos made worse in ways that a viewer of the whole photo hardly sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels


def enlarged(pixels: Pixels, share: float, how: int) -> Pixels:
    """The photo made smaller to this share, and as large again.

    Args:
        pixels: uint8 (height, width, 3).
        share: of width and height, in (0, 1).
        how: it is enlarged, such as `cv2.INTER_CUBIC`.
    """
    small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, pixels.shape[1::-1], interpolation=how), np.uint8)


def shaken(pixels: Pixels, length: int, angle: float) -> Pixels:
    """The photo, the camera moved straight on while it was taken.

    Args:
        pixels: uint8 (height, width, 3).
        length: of the way, pixels.
        angle: of the way, radians.
    """
    blur = np.zeros((length + 3, length + 3), np.float32)
    middle = (length + 2) / 2
    for way in np.linspace(-length / 2, length / 2, 8 * length):
        x, y = middle + way * np.cos(angle), middle + way * np.sin(angle)
        left, top = int(x), int(y)
        # Each place counts for the pixels that it lies between.
        blur[top : top + 2, left : left + 2] += np.outer((top + 1 - y, y - top), (left + 1 - x, x - left))
    return np.asarray(cv2.filter2D(pixels, -1, blur / blur.sum()), np.uint8)
