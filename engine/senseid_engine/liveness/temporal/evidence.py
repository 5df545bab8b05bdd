"""All that is measured over time of one followed face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp
from senseid_engine.landmarks import level_crop
from senseid_engine.liveness.temporal import ageing, motion, repetition
from senseid_engine.liveness.track import CHIP_SHARE, CHIP_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.liveness.track import TrackedFrame

MOST_FRAMES: Final = 80
"""The most frames that are looked at, evenly spread: beyond, time is spent and nothing learned."""

FACE_SIDE: Final = CHIP_SIDE / CHIP_SHARE
"""The height of a face in its chip, in pixels."""

_FROM_OUTLINE: Final = np.ones((5, 5), np.uint8)
_FROM_EDGE: Final = np.ones((17, 17), np.uint8)
"""Half of it is farther than what follows points and patches reaches beyond them."""


@dataclass(frozen=True, slots=True)
class TemporalEvidence:
    """Measures over time. None where the frames do not suffice.

    Attributes:
        non_rigid: how far the face departs from a moving plane within a second, as a share of its height.
        ageing: how much its texture changes within a second, for how much it moves; 0 where it stays the same.
        repetition: how close the picture comes to where it was, over how much it changes from frame to frame.
    """

    non_rigid: float | None
    ageing: float | None
    repetition: float | None


def measure(frames: Sequence[TrackedFrame]) -> TemporalEvidence:
    """Measure everything.

    Args:
        frames: of one track, in order; at least one.
    """
    # A loop may be short, and textures are compared at short lags: both are looked for in all frames.
    times, views = [frame.timestamp for frame in frames], [frame.chip for frame in frames]
    chosen: Sequence[int] = range(len(frames))
    if len(frames) > MOST_FRAMES:
        chosen = np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int).tolist()
    non_rigid = motion.non_rigid(
        [times[i] for i in chosen],
        [views[i] for i in chosen],
        lambda first, second: _area(frames[chosen[first]], frames[chosen[second]]),
    )
    return TemporalEvidence(
        non_rigid=None if non_rigid is None else non_rigid / FACE_SIDE,
        ageing=ageing.ageing(times, views, lambda first, second: _area(frames[first], frames[second])),
        repetition=repetition.repetition(times, [frame.thumbnail for frame in frames]),
    )


def _area(first: TrackedFrame, second: TrackedFrame) -> Pixels:
    """The face in the first chip, as far as both frames show it.

    The edge of the picture moves as no face does: of a close-up that goes beyond it, only what is inside is looked at.

    Returns:
        uint8 (CHIP_SIDE, CHIP_SIDE), 255 inside.
    """
    import cv2

    points = first.face.landmarks.points
    mesh = warp.apply(level_crop(points, CHIP_SHARE, CHIP_SIDE), points[:, :2])
    shown = cv2.erode(cv2.bitwise_and(_filled(first.corners), _filled(second.corners)), _FROM_EDGE)
    return np.asarray(cv2.bitwise_and(cv2.erode(_filled(mesh), _FROM_OUTLINE), shown), np.uint8)


def _filled(points: Floats) -> Pixels:
    """The convex hull of points of a chip: uint8, 255 inside."""
    import cv2

    mask = np.zeros((CHIP_SIDE, CHIP_SIDE), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 255)
    return mask
