"""Which frames are selected."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING

import pytest

from senseid_engine.liveness.selection import LEAST_APART, MOST_SELECTED, select_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.liveness.track import FaceTrack


def by_place(track: FaceTrack, qualities: list[float]) -> Callable[[Image, Face], float]:
    """A measure that gives the still at each place its own quality."""
    faces = [frame.face for frame, _ in track.stills]

    def measure(image: Image, face: Face) -> float:
        assert image.pixels.shape[1] == track.width
        return next(quality for known, quality in zip(faces, qualities, strict=True) if known is face)

    return measure


@pytest.fixture
def count(still_track: FaceTrack) -> int:
    return len(still_track.stills)


def test_the_best_come_first_and_apart(still_track: FaceTrack, count: int) -> None:
    qualities = [i / count for i in range(count)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, qualities))
    times = [frame.timestamp for frame, _ in still_track.stills]
    assert len(selected) == MOST_SELECTED
    assert selected[0].timestamp == times[-1]
    assert selected[0].quality == qualities[-1]
    assert [frame.quality for frame in selected] == sorted((frame.quality for frame in selected), reverse=True)
    pairs = itertools.combinations([frame.timestamp for frame in selected], 2)
    assert all(abs(a - b) >= LEAST_APART for a, b in pairs)


def test_it_is_not_worse_than_the_median(still_track: FaceTrack, count: int) -> None:
    qualities = [(7 * i % count) / count for i in range(count)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, qualities))
    assert selected[0].quality >= statistics.median(qualities)


def test_of_equals_the_earliest(still_track: FaceTrack, count: int) -> None:
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, [0.5] * count))
    assert selected[0].timestamp == 0.0


@pytest.mark.parametrize("usual", [0.9, 0.2])
def test_a_frame_that_looks_more_like_an_attack_is_not_selected(
    still_track: FaceTrack, count: int, usual: float
) -> None:
    qualities = [i / count for i in range(count)]
    scores = [usual] * (count - 1) + [0.49 * usual]
    selected = select_frames(still_track, scores, by_place(still_track, qualities))
    assert selected[0].quality == qualities[-2]


def test_of_attacks_alone_the_best_is_selected(still_track: FaceTrack, count: int) -> None:
    qualities = [i / count for i in range(count)]
    selected = select_frames(still_track, [0.0] * count, by_place(still_track, qualities))
    assert selected[0].quality == qualities[-1]


def test_one_still_is_enough(follow: Callable[..., FaceTrack], still_track: FaceTrack) -> None:
    track = follow([still_track.stills[0][1].pixels])
    selected = select_frames(track, [0.8], lambda image, face: 0.3)
    assert [frame.quality for frame in selected] == [0.3]
