"""All that is measured over time of one followed face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp
from senseid_engine.landmarks import level_crop
from senseid_engine.liveness.temporal import flicker, mesh, motion
from senseid_engine.liveness.track import CHIP_SHARE, CHIP_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.liveness.track import TrackedFrame

MOST_FRAMES: Final = 80
"""The most frames that are looked at, evenly spread: beyond, time is spent and nothing learned."""

FACE_SIDE: Final = CHIP_SIDE / CHIP_SHARE
"""The height of a face in its chip, in pixels."""


@dataclass(frozen=True, slots=True)
class TemporalEvidence:
    """What was measured. None where the frames do not suffice.

    Attributes:
        non_rigid: how far the face departs from a moving plane within a second, as a share of its height.
        repetition: how close it comes to where it was, in the same unit.
        off_plane: how far its landmarks depart from a moving plane, in the same unit.
        blink: how far the eyes close at most, in [0, 1].
        mouth: the range of the opening of the mouth, as a share of its width.
        flicker: strength of the bands that run over the picture, as a share of its brightness.
    """

    non_rigid: float | None
    repetition: float | None
    off_plane: float | None
    blink: float
    mouth: float
    flicker: float | None


def measure(frames: Sequence[TrackedFrame]) -> TemporalEvidence:
    """Measure everything.

    Args:
        frames: of one track, in order; at least one.
    """
    import cv2

    if len(frames) > MOST_FRAMES:
        frames = [frames[i] for i in np.linspace(0, len(frames) - 1, MOST_FRAMES).round().astype(int)]
    times = [frame.timestamp for frame in frames]
    views = [np.asarray(cv2.cvtColor(frame.chip, cv2.COLOR_RGB2GRAY), np.uint8) for frame in frames]
    meshes = np.stack(
        [
            warp.apply(level_crop(points, CHIP_SHARE, CHIP_SIDE), points[:, :2])
            for points in (frame.face.landmarks.points for frame in frames)
        ]
    )
    outlines = list(meshes)
    non_rigid, repetition = motion.non_rigid(times, views, outlines), motion.repetition(times, views, outlines)
    return TemporalEvidence(
        non_rigid=None if non_rigid is None else non_rigid / FACE_SIDE,
        repetition=None if repetition is None else repetition / FACE_SIDE,
        off_plane=mesh.off_plane(meshes),
        blink=mesh.blink(meshes),
        mouth=mesh.mouth(meshes),
        flicker=flicker.flicker([frame.small for frame in frames]),
    )
