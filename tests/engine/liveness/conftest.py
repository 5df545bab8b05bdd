"""Frames of made-up videos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.liveness.fusion import Fusion, Ramp
from senseid_engine.liveness.track import FaceTrack, track_largest
from senseid_engine.video import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_models.registry import Registry


@pytest.fixture(scope="session")
def ramps(registry: Registry) -> dict[str, Ramp]:
    """What the shipped weights say of each measure over time: an attack below `values[0]`, nothing from `values[1]`."""
    return {ramp.measure: ramp for ramp in Fusion.load(registry).ramps}


@pytest.fixture(scope="session")
def small(photos: dict[str, Image]) -> np.ndarray:
    """A sample photo of one face, 228 x 284."""
    import cv2

    return np.asarray(cv2.resize(photos["obama.jpg"].pixels, (228, 284), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="session")
def follow(finder: FaceFinder) -> Callable[..., FaceTrack | None]:
    """Follows the face of these pictures, shown at these times or ten a second."""

    def track(pictures: Iterable[np.ndarray], times: Iterable[float] | None = None) -> FaceTrack | None:
        pictures = list(pictures)
        times = [i / 10 for i in range(len(pictures))] if times is None else times
        frames = [Frame(time, picture) for time, picture in zip(times, pictures, strict=True)]
        return track_largest(frames, finder, name="clip")

    return track


@pytest.fixture(scope="session")
def still_track(follow: Callable[..., FaceTrack], small: np.ndarray) -> FaceTrack:
    """A photo that is shown for three seconds, followed."""
    return follow([small] * 30)
