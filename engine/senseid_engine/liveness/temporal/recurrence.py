"""Does a clip come back to exactly where it was, as one does that is played in a loop or to and fro?

A person may take up a pose again, and never to the pixel, with background, clothes and light. A piece of a clip that is
played again does, but for what a hand that films it adds: it shakes, comes nearer, and the exposure drifts. So all
frames are registered to the middle one first, and what then differs between two is what no small shift, turn, zoom or
change of light explains. The distances of all pairs of frames are what Eckmann et al. ("Recurrence Plots of Dynamical
Systems", 1987) draw.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels

APART: Final = 0.4
"""The least seconds between two frames that are taken for a return, not for a pause."""

_LEAST: Final = 12
_LEAST_CHANGE: Final = 0.05
"""In grey levels: what changes less from frame to frame is a still, of which other evidence tells."""

_LEAST_RATIO: Final = 1e-3
"""That of a frame that comes back exactly."""

_STEPS: Final = 5
"""The most steps in which a frame is registered."""
_FARTHEST: Final = 4.0
"""The most pixels that a corner of the picture is moved: a hand shakes no more, and beyond less is left to compare."""

# A shift of a pixel or two is told by the slopes of a picture that is blurred as much.
_BLUR: Final = 1.5
# The edge of the picture shows something else after a shift. Of what is blurred every other pixel will do.
_COMPARED: Final = (slice(3, -3, 2), slice(3, -3, 2))


def recurrence_distance(times: Sequence[float], frames: Sequence[Pixels]) -> float | None:
    """Distance of each frame to the nearest one that is `APART` or more away, over that to its neighbours.

    Args:
        times: seconds of each frame, rising.
        frames: uint8 (height, width) each, grey, of one shape: the whole picture, small.

    Returns:
        The geometric mean over frames: 1 or more for a person, near 0 for a loop; None for too few frames.
    """
    if len(frames) < _LEAST:
        return None
    registered = _registered([_blurred(frame) for frame in frames])
    flat = np.stack([frame[_COMPARED].ravel() for frame in registered])
    moments, ratios = np.asarray(times, np.float64), []
    for number, frame in enumerate(registered):
        change, camera = flat - flat[number], _nuisance_basis(frame)
        change -= (change @ camera) @ camera.T
        unlike = np.abs(change).mean(axis=1)
        far = unlike[np.abs(moments - moments[number]) >= APART]
        if len(far):
            neighbours = unlike[[i for i in (number - 1, number + 1) if 0 <= i < len(flat)]]
            ratios.append(max(float(far.min()) / max(float(neighbours.mean()), _LEAST_CHANGE), _LEAST_RATIO))
    return float(np.exp(np.log(ratios).mean())) if len(ratios) >= _LEAST else None


def _blurred(frame: Pixels) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _BLUR), np.float32)


def _registered(frames: list[Floats]) -> list[Floats]:
    """The frames, float32 (height, width), shifted and turned to lie on the middle one.

    By the enhanced correlation coefficient (Evangelidis and Psarakis, 2008). Each starts from where the one before came
    to lie, and stays there where it cannot be registered.
    """
    import cv2

    height, width = frames[0].shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
    middle = len(frames) // 2
    enough = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _STEPS, 1e-4)
    back = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    registered = frames.copy()
    for numbers in (range(middle + 1, len(frames)), range(middle - 1, -1, -1)):
        placed = np.eye(2, 3, dtype=np.float32)
        for number in numbers:
            frame = frames[number]
            with contextlib.suppress(cv2.error):  # the two have nothing in common
                _, found = cv2.findTransformECC(frames[middle], frame, placed.copy(), cv2.MOTION_EUCLIDEAN, enough)
                if np.abs(found @ corners - corners[:2]).max() <= _FARTHEST:
                    placed = np.asarray(found, np.float32)
            view = cv2.warpAffine(frame, placed, (width, height), flags=back, borderMode=cv2.BORDER_REPLICATE)
            registered[number] = np.asarray(view, np.float32)
    return registered


def _nuisance_basis(frame: Floats) -> Floats:
    """What changes in a frame as its camera or the light does, each to first order: float (compared pixels, 6).

    The columns are orthonormal, and span brightness, contrast, a shift both ways, a zoom and a turn (after Lucas and
    Kanade, 1981, with the affine light of Shi and Tomasi, 1994).
    """
    height, width = frame.shape
    y, x = np.mgrid[0:height, 0:width].astype(frame.dtype)
    x, y = x / width - 0.5, y / width - 0.5 * height / width
    down, right = np.asarray(np.gradient(frame, axis=0)), np.asarray(np.gradient(frame, axis=1))
    changes = (np.ones_like(frame), frame, right, down, x * right + y * down, x * down - y * right)
    return np.linalg.qr(np.stack([change[_COMPARED].ravel() for change in changes], axis=1))[0]
