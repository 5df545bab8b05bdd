"""How sharp the face is, from the detail at two scales: of a face of the usual size, and of the photo's own pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Doubles, Floats, Pixels
    from senseid_engine.quality.chip import Chip
    from senseid_engine.quality.features import FiveFeatures

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

OWN_SCALES = ((0.7, 1.4), (2.0, 4.0))
"""The same in the photo's own pixels, fine and coarse. They lie apart, so that a little softness matters little."""
LARGEST = 160.0
"""A face whose eyes are further apart than this, in pixels, is made smaller first: it need not be sharp to its last
pixel, and one that was enlarged to that size has pixels enough."""
SMALLEST, ENOUGH = 50.0, 60.0
"""Distances of the eyes, in pixels: up to the first the photo has hardly more pixels than the chip, which tells all;
from the second on, what `enrol` asks for, its own pixels count in full."""
CHIP_COUNTS = 4 / 3
"""How much more the chip's counts where the photo's own pixels do: it tells less than they do, and takes wrinkles and
strong shadows for noise and blur."""
# Ratio of the gradients that counts as 1, so that 0.3 is the limit of `enrol` for both: few portraits reach 1.5.
_OWN_SHARP = 1.85
# Pixels around the face, for the blur.
_MARGIN = 12


def sharpness(chip: Chip, pixels: Pixels, features: FiveFeatures, eye_distance: float) -> float:
    """The manual's `sharpness`, in [0, 1]: that of the photo's own pixels, or of the chip where the photo has too few.

    Where the photo has enough of them it is the lesser of its own and of `CHIP_COUNTS` times that of the chip.

    Args:
        chip: of the face.
        pixels: uint8 (height, width, 3), RGB: the photo.
        features: of the face.
        eye_distance: pixels.
    """
    usual = chip_sharpness(chip)
    weight = min(max((eye_distance - SMALLEST) / (ENOUGH - SMALLEST), 0.0), 1.0)
    if not usual or not weight:
        return usual
    own = min(own_sharpness(pixels, features, eye_distance), CHIP_COUNTS * usual)
    return usual + weight * (own - usual)


def own_sharpness(pixels: Pixels, features: FiveFeatures, eye_distance: float) -> float:
    """How sharp the pixels of the photo are, in [0, 1].

    From the ratio of the gradients of fine detail to those of coarse detail, as root mean squares, in the direction in
    which it is the least and in that in which it is the most: the generalised eigenvalues of the two structure tensors.
    A photo that was enlarged has little fine detail in all directions, one that was shaken has little along the
    movement and more across it, so the least counts, times the root of its share of the most. Noise, which is alike in
    all directions, is taken from where the face is calmest, and subtracted.

    Args:
        pixels: uint8 (height, width, 3), RGB: the photo.
        features: of the face, in part at least inside the photo.
        eye_distance: pixels.
    """
    import cv2

    height, width = pixels.shape[:2]
    outline = features.visible
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - _MARGIN, 0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + _MARGIN + 1, (width, height))
    luma = cv2.cvtColor(np.ascontiguousarray(pixels[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    scale = min(LARGEST / eye_distance, 1.0)
    if scale < 1:
        size = max(round(luma.shape[1] * scale), 1), max(round(luma.shape[0] * scale), 1)
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    face = np.zeros(luma.shape, np.uint8)
    cv2.fillConvexPoly(face, np.round((outline - (left, top)) * scale).astype(np.int32), 1)
    inside = face > 0
    if not inside.any():
        return 0.0
    (fine, noise), (coarse, _) = (_structure(luma.astype(np.float32), scales, inside) for scales in OWN_SCALES)
    least = np.eye(2) * _LEAST_DETAIL**2 / 100
    ratios = np.linalg.eigvals(np.linalg.solve(coarse + least, fine - noise * np.eye(2))).real
    if ratios.min() <= 0:
        return 0.0
    worst, best = math.sqrt(ratios.min()), math.sqrt(ratios.max())
    return min(worst * math.sqrt(worst / best) / _OWN_SHARP, 1.0)


def _structure(luma: Floats, scales: tuple[float, float], inside: npt.NDArray[np.bool_]) -> tuple[Doubles, float]:
    """The mean structure tensor of the detail between two scales, float64 (2, 2), and the noise on its diagonal."""
    import cv2

    small, large = (np.asarray(cv2.GaussianBlur(luma, (0, 0), scale), np.float32) for scale in scales)
    across, down = (np.asarray(cv2.Sobel(small - large, -1, x, y, ksize=1), np.float32) for x, y in ((1, 0), (0, 1)))
    around = np.asarray(cv2.boxFilter(across**2 + down**2, -1, (WINDOW, WINDOW)), np.float32)
    noise = float(np.percentile(around[inside], _CALMEST)) / 2
    gradients = np.stack([across[inside], down[inside]]).astype(np.float64)
    return gradients @ gradients.T / gradients.shape[1], noise


def chip_sharpness(chip: Chip) -> float:
    """How sharp the face is in its chip, in [0, 1].

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
