"""The frames of a video that are shown, saved and compared: those in which the face is seen best."""

from __future__ import annotations

import statistics
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


def select_frames(
    track: FaceTrack, bona_fide: Sequence[float], measure: Callable[[Image, Face], float]
) -> tuple[SelectedFrame, ...]:
    """The best frames of a track, the best first.

    Of equally good frames the earlier one goes first, so the selection depends on the video alone.

    Args:
        track: the face.
        bona_fide: what the stills network says of each of `track.stills`, in [0, 1].
        measure: the quality of a face of a photo, in [0, 1].

    Returns:
        At least one, at most `MOST_SELECTED`, no two closer than `LEAST_APART`.
    """
    least = LEAST_OF_MEDIAN * statistics.median(bona_fide)
    stills = [still for still, share in zip(track.stills, bona_fide, strict=True) if share >= least]
    ranked = sorted(
        (SelectedFrame(frame.timestamp, measure(image, frame.face), image, frame.face) for frame, image in stills),
        key=lambda frame: (-frame.quality, frame.timestamp),
    )
    selected: list[SelectedFrame] = []
    for frame in ranked:
        if all(abs(frame.timestamp - other.timestamp) >= LEAST_APART for other in selected):
            selected.append(frame)
        if len(selected) == MOST_SELECTED:
            break
    return tuple(selected)
