"""All that is measured over time of one followed face."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp
from senseid_engine.landmarks import level_crop
from senseid_engine.liveness.temporal.blend import blend_residual
from senseid_engine.liveness.temporal.non_rigid import non_rigid
from senseid_engine.liveness.temporal.pairs import evenly
from senseid_engine.liveness.temporal.recurrence import recurrence_distance
from senseid_engine.liveness.temporal.texture import comparer
from senseid_engine.liveness.temporal.texture_change import texture_change
from senseid_engine.liveness.temporal.texture_evenness import texture_evenness
from senseid_engine.liveness.track import CHIP_SHARE, CHIP_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.liveness.track import TrackedFrame

MAX_NON_RIGID_FRAMES: Final = 80
"""The most frames that `non_rigid` looks at, evenly spread: more take time and tell nothing more."""

MAX_GAP: Final = 0.17
"""Seconds: where the median gap between frames is longer nothing is measured, so six frames a second are needed. In
longer gaps a living face changes as much as it does in a second, and no measure tells it from an attack."""

FACE_SIDE: Final = CHIP_SIDE / CHIP_SHARE
"""The height of a face in its chip, in pixels."""

_FROM_OUTLINE: Final = np.ones((5, 5), np.uint8)
_FROM_EDGE: Final = np.ones((17, 17), np.uint8)
"""Half of this kernel is wider than half of the window around a tracked corner, so that no window reaches the edge."""


@dataclass(frozen=True, slots=True)
class TemporalEvidence:
    """Measures over time. None where the frames are too few or too far apart.

    Attributes:
        non_rigid: how far the face departs from a moving plane within a second, as a share of its height.
        texture_change: how much its texture changes within a second, for how much it moves; 0 where it stays the same.
        texture_evenness: how fast it usually changes, over how fast it does at its fastest; small where one photo takes
            the place of another.
        blend_residual: how far each view departs from a blend of those just before and after it, over `texture_change`:
            small where photos are faded into each other.
        recurrence_distance: distance of each frame to the nearest other one in time, over that to its neighbours; 0
            where the clip repeats exactly.
    """

    non_rigid: float | None = None
    texture_change: float | None = None
    texture_evenness: float | None = None
    blend_residual: float | None = None
    recurrence_distance: float | None = None

    @property
    def complete(self) -> bool:
        """Whether everything could be measured: what could not be may hide an attack."""
        return None not in astuple(self)


def measure(frames: Sequence[TrackedFrame]) -> TemporalEvidence:
    """Measure everything.

    Args:
        frames: of one track, in order; at least one.
    """
    times, views = [frame.timestamp for frame in frames], [frame.chip for frame in frames]
    if len(frames) < 2 or np.median(np.diff(times)) > MAX_GAP:
        return TemporalEvidence()
    # A loop may be short, and textures are compared at short lags: both measures need all frames.
    chosen = evenly(len(frames), MAX_NON_RIGID_FRAMES)

    @cache
    def shown(number: int) -> Pixels:
        return _shown(frames[number])

    @cache
    def face(number: int) -> Pixels:
        return np.bitwise_and(_face(frames[number]), shown(number))

    def face_mask(first: int, second: int) -> Pixels:
        """The face in the first chip, as far as both frames show it: uint8 (CHIP_SIDE, CHIP_SIDE), 255 inside."""
        return np.bitwise_and(face(first), shown(second))

    departure = non_rigid(
        [times[i] for i in chosen],
        [views[i] for i in chosen],
        lambda first, second: face_mask(chosen[first], chosen[second]),
    )
    compare = comparer(views, face_mask)
    change = texture_change(times, compare)
    return TemporalEvidence(
        non_rigid=None if departure is None else departure / FACE_SIDE,
        texture_change=change,
        texture_evenness=texture_evenness(times, compare),
        blend_residual=None if change is None else blend_residual(views, face_mask, change),
        recurrence_distance=recurrence_distance(times, [frame.thumbnail for frame in frames]),
    )


def _face(frame: TrackedFrame) -> Pixels:
    """The face in its chip, without its outline: uint8, 255 inside."""
    import cv2

    points = frame.face.landmarks.points
    mesh = warp.apply(level_crop(points, CHIP_SHARE, CHIP_SIDE), points[:, :2])
    return np.asarray(cv2.erode(_filled(mesh), _FROM_OUTLINE), np.uint8)


def _shown(frame: TrackedFrame) -> Pixels:
    """What the frame shows of the chip: uint8, 255 inside.

    The edge of the picture moves as no face does: of a close-up that goes beyond it, only what is inside is looked at.
    """
    import cv2

    return np.asarray(cv2.erode(_filled(frame.corners), _FROM_EDGE), np.uint8)


def _filled(points: Floats) -> Pixels:
    """The convex hull of points of a chip: uint8, 255 inside."""
    import cv2

    mask = np.zeros((CHIP_SIDE, CHIP_SIDE), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 255)
    return mask
