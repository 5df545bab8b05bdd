"""Does a clip come back to exactly where it was, as one does that is played in a loop or to and fro?

A person may take up a pose again, and never to the pixel, with background, clothes and light. A piece of a clip that is
played again does, but for what a hand that films it adds: it shakes, comes nearer, and the exposure drifts. So what
differs between two frames is what no small shift, turn, zoom or change of light explains.
"""

from __future__ import annotations

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

# A shift of a pixel or two is told by the slopes of a picture that is blurred as much.
_BLUR: Final = 1.5
# The edge of the picture shows something else after a shift. Of what is blurred every other pixel will do.
_COMPARED: Final = (slice(3, -3, 2), slice(3, -3, 2))


def repetition(times: Sequence[float], frames: Sequence[Pixels]) -> float | None:
    """How close each frame comes to an earlier or later one, over how much it differs from its neighbours.

    Args:
        times: seconds of each frame, rising.
        frames: uint8 (height, width) each, grey, of one shape: the whole picture, small.

    Returns:
        The median over frames: 1 or more for a person, near 0 for a loop; None for too few frames.
    """
    if len(frames) < _LEAST:
        return None
    blurred = [_blurred(frame) for frame in frames]
    flat = np.stack([frame[_COMPARED].ravel() for frame in blurred])
    moments, ratios = np.asarray(times, np.float64), []
    for number, frame in enumerate(blurred):
        change, camera = flat - flat[number], _camera(frame)
        change -= (change @ camera) @ camera.T
        unlike = np.abs(change).mean(axis=1)
        far = unlike[np.abs(moments - moments[number]) >= APART]
        if len(far):
            neighbours = unlike[[i for i in (number - 1, number + 1) if 0 <= i < len(flat)]]
            ratios.append(float(far.min()) / max(float(neighbours.mean()), _LEAST_CHANGE))
    return float(np.median(ratios)) if len(ratios) >= _LEAST else None


def _blurred(frame: Pixels) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(frame.astype(np.float32), (0, 0), _BLUR), np.float32)


def _camera(frame: Floats) -> Floats:
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
