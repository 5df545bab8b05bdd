"""How sharp the face is, from the detail at two scales."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.quality.chip import Chip

# Standard deviations of the Gaussians that cut out the two scales, an octave each, in pixels of the chip: fine is from
# the first to the second, coarse from the second to the third.
SCALES = (1.0, 2.0, 4.0)
BLURRED = 0.25
"""Ratio of fine to coarse detail in a picture without any edge: (2^2 - 1^2) / (4^2 - 2^2)."""

# Noise is everywhere, edges are not: the calmest places show how much of the fine detail is noise. Of white noise, the
# tenth part of the windows with the least has this share of the whole, or less.
WINDOW = 9
_CALMEST = 10
_CALMEST_SHARE = 1 / 1.5
# Detail of less than this, in luma, is none.
_LEAST_DETAIL = 0.5


def sharpness(chip: Chip) -> float:
    """The manual's `sharpness`, in [0, 1].

    `(fine / coarse - 0.25) / 0.75`, with the root mean square of the detail at each scale. In a picture of nature all
    scales have as much of it (Field, "Relations between the statistics of natural images and the response properties of
    cortical cells", 1987): 1. In one that is all blur: 0. Contrast and brightness cancel out, and so does the size of a
    face with enough pixels; one with few is blurred by being enlarged. The noise of the sensor is measured where the
    face is calmest, and subtracted, so that it does not pass for detail.
    """
    import cv2

    if not chip.face.any():
        return 0.0
    levels = [np.asarray(cv2.GaussianBlur(chip.luma, (0, 0), scale), np.float32) for scale in SCALES]
    detail = np.square(levels[0] - levels[1])
    around = np.asarray(cv2.boxFilter(detail, -1, (WINDOW, WINDOW)), np.float32)
    noise = float(np.percentile(around[chip.face], _CALMEST)) / _CALMEST_SHARE
    fine = float(detail[chip.face].mean()) - noise
    coarse = float(np.square(levels[1] - levels[2])[chip.face].mean())
    if fine <= 0 or coarse < _LEAST_DETAIL**2:
        return 0.0
    return min(max((math.sqrt(fine / coarse) - BLURRED) / (1 - BLURRED), 0.0), 1.0)
