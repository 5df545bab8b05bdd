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
    times, views = [frame.timestamp for frame in frames], [_grey(frame) for frame in frames]
    chosen: Sequence[int] = range(len(frames))
    if len(frames) > MOST_FRAMES:
        chosen = np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int).tolist()
    outlines = [_outline(frames[i]) for i in chosen]
    non_rigid = motion.non_rigid([times[i] for i in chosen], [views[i] for i in chosen], outlines)
    return TemporalEvidence(
        non_rigid=None if non_rigid is None else non_rigid / FACE_SIDE,
        ageing=ageing.ageing(times, views, lambda number: _outline(frames[number])),
        repetition=repetition.repetition(times, [frame.small for frame in frames]),
    )


def _grey(frame: TrackedFrame) -> Pixels:
    import cv2

    return np.asarray(cv2.cvtColor(frame.chip, cv2.COLOR_RGB2GRAY), np.uint8)


def _outline(frame: TrackedFrame) -> Floats:
    """The mesh in the chip."""
    points = frame.face.landmarks.points
    return warp.apply(level_crop(points, CHIP_SHARE, CHIP_SIDE), points[:, :2])
