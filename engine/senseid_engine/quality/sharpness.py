"""How sharp the face is, from the detail at two scales."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats
    from senseid_engine.quality.chip import Chip

# Standard deviations of the Gaussians that cut out the two scales, an octave each, in pixels of the chip: fine is from
# the first to the second, coarse from the second to the third.
SCALES = (1.0, 2.0, 4.0)
BLURRED = 0.25
"""Ratio of fine to coarse detail in a picture without any edge: (2^2 - 1^2) / (4^2 - 2^2)."""

# Immerkaer, "Fast Noise Variance Estimation", 1996: a mask that no smooth picture answers, and its norm.
_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_NOISE_NORM = 6.0
_MEDIAN_OF_NORMAL = 0.6745
# Share of the variance of white noise that the finer scale lets through: sum of the squares of its impulse response.
_NOISE_SHARE = 0.0358
# Detail of less than this, in luma, is none.
_LEAST_DETAIL = 0.5


def sharpness(chip: Chip) -> float:
    """The manual's `sharpness`, in [0, 1].

    `(fine / coarse - 0.25) / 0.75`, with the root mean square of the detail at each scale. In a picture of nature all
    scales have as much of it (Field, "Relations between the statistics of natural images and the response properties of
    cortical cells", 1987): 1. In one that is all blur: 0. Contrast and brightness cancel out, and so does the size of a
    face with enough pixels; one with few is blurred by being enlarged. The noise of the sensor is measured and
    subtracted, so that it does not pass for detail.
    """
    import cv2

    if not chip.face.any():
        return 0.0
    levels = [np.asarray(cv2.GaussianBlur(chip.luma, (0, 0), scale), np.float32) for scale in SCALES]
    fine = _mean_square(levels[0] - levels[1], chip) - _NOISE_SHARE * _noise(chip) ** 2
    coarse = _mean_square(levels[1] - levels[2], chip)
    if fine <= 0 or coarse < _LEAST_DETAIL**2:
        return 0.0
    return min(max((math.sqrt(fine / coarse) - BLURRED) / (1 - BLURRED), 0.0), 1.0)


def _mean_square(detail: Floats, chip: Chip) -> float:
    return float(np.square(detail[chip.face]).mean())


def _noise(chip: Chip) -> float:
    """Standard deviation of the noise, in luma. By the median: edges are few, and noise is everywhere."""
    import cv2

    answer = np.asarray(cv2.filter2D(chip.luma, -1, _NOISE_MASK), np.float32)
    return float(np.median(np.abs(answer[chip.face]))) / _MEDIAN_OF_NORMAL / _NOISE_NORM
