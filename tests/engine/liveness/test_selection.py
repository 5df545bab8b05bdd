"""Which frames are selected."""

from __future__ import annotations

import itertools
import statistics
from typing import TYPE_CHECKING

import pytest

from senseid_engine.liveness.selection import LEAST_APART, MOST_SELECTED, Portrait, select_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.liveness.track import FaceTrack


def portrait(sharpness: float = 0.5, *, yaw: float = 0.0, eyes_open: float = 0.13) -> Portrait:
    return Portrait(sharpness / 2, yaw, 0.0, sharpness, eyes_open)


def by_place(track: FaceTrack, portraits: list[Portrait]) -> Callable[[Image, Face], Portrait]:
    """A measure that gives the still at each place its own."""
    faces = [frame.face for frame, _ in track.stills]

    def measure(image: Image, face: Face) -> Portrait:
        assert image.pixels.shape[1] == track.width
        return next(found for known, found in zip(faces, portraits, strict=True) if known is face)

    return measure


@pytest.fixture
def count(still_track: FaceTrack) -> int:
    return len(still_track.stills)


def test_the_best_come_first_and_apart(still_track: FaceTrack, count: int) -> None:
    portraits = [portrait(i / count) for i in range(count)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, portraits))
    times = [frame.timestamp for frame, _ in still_track.stills]
    assert len(selected) == MOST_SELECTED
    assert selected[0].timestamp == times[-1]
    assert selected[0].quality == portraits[-1].quality
    assert [frame.quality for frame in selected] == sorted((frame.quality for frame in selected), reverse=True)
    pairs = itertools.combinations([frame.timestamp for frame in selected], 2)
    assert all(abs(a - b) >= LEAST_APART for a, b in pairs)


def test_it_is_not_worse_than_the_median(still_track: FaceTrack, count: int) -> None:
    portraits = [portrait((7 * i % count) / count) for i in range(count)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, portraits))
    assert selected[0].quality >= statistics.median(found.quality for found in portraits)


@pytest.mark.parametrize(
    "worse", [portrait(0.6, yaw=-25.0), portrait(0.6, yaw=25.0), portrait(0.25), portrait(0.6, eyes_open=0.05)]
)
def test_a_frontal_sharp_and_open_eyed_face_goes_before_one_that_lacks_one_of_them(
    still_track: FaceTrack, count: int, worse: Portrait
) -> None:
    portraits = [worse, portrait(0.55), *[portrait(0.5, yaw=8.0)] * (count - 2)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, portraits))
    assert selected[0].timestamp == still_track.stills[1][0].timestamp


def test_frames_without_any_sharpness_or_opening_are_told_apart_all_the_same(
    still_track: FaceTrack, count: int
) -> None:
    portraits = [portrait(0.0, yaw=20.0, eyes_open=0.0)] * (count - 1) + [portrait(0.0, eyes_open=0.0)]
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, portraits))
    assert selected[0].timestamp == still_track.stills[-1][0].timestamp


def test_of_equals_the_earliest(still_track: FaceTrack, count: int) -> None:
    selected = select_frames(still_track, [1.0] * count, by_place(still_track, [portrait()] * count))
    assert selected[0].timestamp == 0.0


@pytest.mark.parametrize("usual", [0.9, 0.2])
def test_a_frame_that_looks_more_like_an_attack_is_not_selected(
    still_track: FaceTrack, count: int, usual: float
) -> None:
    portraits = [portrait(i / count) for i in range(count)]
    scores = [usual] * (count - 1) + [0.49 * usual]
    selected = select_frames(still_track, scores, by_place(still_track, portraits))
    assert selected[0].quality == portraits[-2].quality


def test_of_attacks_alone_the_best_is_selected(still_track: FaceTrack, count: int) -> None:
    portraits = [portrait(i / count) for i in range(count)]
    selected = select_frames(still_track, [0.0] * count, by_place(still_track, portraits))
    assert selected[0].quality == portraits[-1].quality


def test_one_still_is_enough(follow: Callable[..., FaceTrack], still_track: FaceTrack) -> None:
    track = follow([still_track.stills[0][1].pixels])
    selected = select_frames(track, [0.8], lambda image, face: portrait())
    assert len(selected) == 1
