"""Does a clip come back to exactly where it was, as one does that is played in a loop or to and fro?

A person may take up a pose again, and never to the pixel, with background, clothes and light. A piece of a clip that is
played again does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Pixels

APART: Final = 0.4
"""The least seconds between two frames that are taken for a return, not for a pause."""

_LEAST: Final = 12
_LEAST_CHANGE: Final = 0.05
"""In grey levels: what changes less from frame to frame is a still, of which other evidence tells."""


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
    flat = np.stack(frames).reshape(len(frames), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    moments, ratios = np.asarray(times, np.float64), []
    for number, frame in enumerate(flat):
        unlike = np.abs(flat - frame).mean(axis=1)
        far = unlike[np.abs(moments - moments[number]) >= APART]
        if len(far):
            neighbours = unlike[[i for i in (number - 1, number + 1) if 0 <= i < len(flat)]]
            ratios.append(float(far.min()) / max(float(neighbours.mean()), _LEAST_CHANGE))
    return float(np.median(ratios)) if len(ratios) >= _LEAST else None
