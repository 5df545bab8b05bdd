"""The frames of a video that are shown, saved and compared: those that are the best portraits."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid_engine.liveness.results import SelectedFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.liveness.track import FaceTrack

MOST_SELECTED: Final = 3
"""How many frames are selected at most."""

LEAST_APART: Final = 0.5
"""Seconds between two selected frames, at least: neighbours show the same blink and the same blur."""

LEAST_OF_MEDIAN: Final = 0.5
"""A frame that is less likely bona fide than this share of the median frame is not selected: someone may have held a
picture before the camera for a moment."""

POSE_SIGMA: Final = 15.0
"""Standard deviation, in degrees, of the Gaussian weight of yaw and pitch."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """The measures of a frame as a portrait.

    Attributes:
        quality: the overall quality of the face, in [0, 1]; it is passed on, and does not rank: recognition tolerates a
            turned head, a viewer does not.
        yaw: how far the head is turned, degrees.
        pitch: how far it is tilted, degrees.
        sharpness: of the face, in [0, 1].
        eyes_open: in [0, 1]; 0 is closed eyes.
    """

    quality: float
    yaw: float
    pitch: float
    sharpness: float
    eyes_open: float


def select_frames(
    track: FaceTrack, bona_fide: Sequence[float], measure: Callable[[Image, Face], Portrait]
) -> tuple[SelectedFrame, ...]:
    """The best portraits of a track, the best first: frontal, sharp and open-eyed together.

    Sharpness is compared with the sharpest frame, and the eyes with the median one: cameras and people differ. Of
    equally good frames the earlier one goes first, so the selection depends on the video alone.

    Args:
        track: the face.
        bona_fide: what the stills classifier says of each of `track.stills`, in [0, 1].
        measure: measures a face of a photo.

    Returns:
        At least one, at most `MOST_SELECTED`, no two closer than `LEAST_APART`.
    """
    least = LEAST_OF_MEDIAN * statistics.median(bona_fide)
    stills = [still for still, share in zip(track.stills, bona_fide, strict=True) if share >= least]
    portraits = [measure(image, frame.face) for frame, image in stills]
    sharpest = max(portrait.sharpness for portrait in portraits)
    usual = statistics.median(portrait.eyes_open for portrait in portraits)

    def rank(number: int) -> tuple[float, float]:
        portrait = portraits[number]
        front = math.exp(-(portrait.yaw**2 + portrait.pitch**2) / (2 * POSE_SIGMA**2))
        sharp = portrait.sharpness / sharpest if sharpest > 0 else 1.0
        eyes = min(portrait.eyes_open / usual, 1.0) if usual > 0 else 1.0
        return -front * sharp * eyes, stills[number][0].timestamp

    ranked = [
        SelectedFrame(frame.timestamp, portrait.quality, image, frame.face)
        for (frame, image), portrait in ((stills[i], portraits[i]) for i in sorted(range(len(stills)), key=rank))
    ]
    selected: list[SelectedFrame] = []
    for frame in ranked:
        if all(abs(frame.timestamp - other.timestamp) >= LEAST_APART for other in selected):
            selected.append(frame)
        if len(selected) == MOST_SELECTED:
            break
    return tuple(selected)
