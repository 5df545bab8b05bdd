"""Following a face through a video."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from senseid_engine.liveness.track import CHIP_SIDE, MOST_STILLS, THUMBNAIL, FaceTrack, track_largest
from senseid_engine.video import Frame, decode_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_engine.detect import Detection, Detector
    from senseid_engine.finder import FaceFinder

    Follow = Callable[..., FaceTrack]


def on_canvas(picture: np.ndarray, left: int, top: int = 0, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    canvas = np.full((size[1], size[0], 3), 90, np.uint8)
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def test_every_frame_of_a_still_photo(still_track: FaceTrack, small: np.ndarray) -> None:
    assert [frame.index for frame in still_track.frames] == list(range(30))
    assert [frame.timestamp for frame in still_track.frames] == [i / 10 for i in range(30)]
    assert (still_track.width, still_track.height, still_track.looked_at) == (228, 284, 30)
    assert still_track.seconds == pytest.approx(3.0)
    assert still_track.others == 0
    first, last = still_track.frames[0].face, still_track.frames[-1].face
    assert first.rect.overlap(last.rect) > 0.9
    spread = np.abs(first.landmarks.points[:, :2] - last.landmarks.points[:, :2]).max()
    assert spread < 0.02 * (first.rect.right - first.rect.left)
    for frame in still_track.frames:
        assert frame.chip.shape == (CHIP_SIDE, CHIP_SIDE)
        assert frame.thumbnail.shape == THUMBNAIL[::-1]


def test_some_frames_keep_their_image(still_track: FaceTrack, small: np.ndarray) -> None:
    stills = still_track.stills
    assert MOST_STILLS / 2 <= len(stills) <= MOST_STILLS
    gaps = np.diff([frame.timestamp for frame, _ in stills])
    assert gaps == pytest.approx(gaps[0])
    assert all(np.array_equal(image.pixels, small) for _, image in stills)
    assert {image.name for _, image in stills} == {"clip"}


def test_a_moving_face_is_followed_to_where_it_is(follow: Follow, small: np.ndarray, finder: FaceFinder) -> None:
    shifts = range(0, 400, 20)
    track = follow([on_canvas(small, shift) for shift in shifts])
    assert len(track.frames) == len(shifts)
    for frame in track.frames[::6]:
        picture = on_canvas(small, shifts[frame.index])
        (found,) = finder.detector.detect(picture)
        left, top, right, bottom = (round(float(side)) for side in found.box)
        assert abs(frame.face.rect.left - left) + abs(frame.face.rect.right - right) < 0.2 * (right - left)
        assert abs(frame.face.rect.top - top) + abs(frame.face.rect.bottom - bottom) < 0.2 * (bottom - top)


def test_a_chip_tells_where_the_picture_ends(follow: Follow, small: np.ndarray) -> None:
    whole = follow([small] * 3).frames[0]
    middle = (whole.face.rect.left + whole.face.rect.right) // 2
    cut = follow([np.ascontiguousarray(small[:, middle - 30 :])] * 3).frames[0]
    edge = float(cut.corners[:, 0].min())
    assert whole.corners[:, 0].min() < 0 < edge < CHIP_SIDE / 2
    # What is at the edge is repeated, so there is no edge.
    beyond = cut.chip[CHIP_SIDE // 2, : round(edge)].astype(int)
    assert np.abs(np.diff(beyond)).max() < 25
    assert beyond.min() > 0


def test_no_face(follow: Follow) -> None:
    assert follow([np.full((240, 320, 3), 100, np.uint8)] * 5) is None
    assert follow([]) is None


def test_a_tiny_video(follow: Follow) -> None:
    assert follow([np.full((8, 8, 3), 100, np.uint8)] * 5) is None


def test_how_long_a_face_is_seen(follow: Follow, small: np.ndarray) -> None:
    blank = np.full_like(small, 128)
    track = follow([small] * 8 + [blank] * 12)
    assert track.seconds == pytest.approx(0.8)
    assert track.looked_at == 20


def test_a_gap_between_frames_counts_half_a_second(follow: Follow, small: np.ndarray) -> None:
    track = follow([small] * 4, [0.0, 5.0, 10.0, 15.0])
    assert track.seconds == pytest.approx(2.0)


def test_a_face_that_comes_back_is_the_same_one(follow: Follow, small: np.ndarray) -> None:
    blank = np.full_like(small, 128)
    track = follow([small] * 6 + [blank] * 4 + [small] * 10)
    assert track.others == 0
    assert {frame.index for frame in track.frames} >= {*range(6), *range(13, 20)}
    assert not {frame.index for frame in track.frames} & set(range(6, 10))


def test_the_larger_of_two_faces(follow: Follow, small: np.ndarray) -> None:
    import cv2

    smaller = np.asarray(cv2.resize(small, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = on_canvas(small, 380)
    canvas[: smaller.shape[0], : smaller.shape[1]] = smaller
    track = follow([canvas] * 12)
    assert track.others == 1
    assert all(frame.face.rect.left > 380 for frame in track.frames)
    assert len(track.frames) == 12


def test_a_face_that_is_seen_long_enough_goes_before_a_larger_one(follow: Follow, small: np.ndarray) -> None:
    import cv2

    smaller = np.asarray(cv2.resize(small, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    both, alone = on_canvas(small, 380), on_canvas(smaller, 0)
    both[: smaller.shape[0], : smaller.shape[1]] = smaller
    track = follow([both] * 10 + [alone] * 15)
    assert track.seconds == pytest.approx(2.5)
    assert all(frame.face.rect.right < 200 for frame in track.frames)


def test_it_is_the_same_every_time(follow: Follow, small: np.ndarray) -> None:
    pictures = [on_canvas(small, shift) for shift in range(0, 60, 10)]
    one, two = follow(pictures), follow(pictures)
    for a, b in zip(one.frames, two.frames, strict=True):
        assert np.array_equal(a.face.landmarks.points, b.face.landmarks.points)
        assert np.array_equal(a.chip, b.chip)
        assert a.face.rect == b.face.rect


@pytest.mark.slow
def test_real_clips_are_followed_throughout(test_data: Path, finder: FaceFinder) -> None:
    for path in sorted((test_data / "liveness-videos" / "live").glob("grid-*.mpg")):
        video = decode_video(path.read_bytes(), name=path.name)
        track = track_largest(video.frames(), finder, name=path.name)
        assert track is not None
        assert len(track.frames) == track.looked_at == 30
        assert track.seconds == pytest.approx(3.0, abs=0.1)


class FindsOnce:
    """A detector that finds a face in the first frame and never again, as with a head that turns away."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._calls = 0

    def detect(self, pixels: np.ndarray) -> list[Detection]:
        self._calls += 1
        return self._detector.detect(pixels) if self._calls == 1 else []


def test_a_face_that_the_detector_misses_is_dropped_in_the_end(finder: FaceFinder, small: np.ndarray) -> None:
    detector: Any = FindsOnce(finder.detector)
    frames = [Frame(i / 10, small) for i in range(40)]
    track = track_largest(frames, replace(finder, detector=detector), name="clip")
    assert track is not None
    assert [frame.index for frame in track.frames] == list(range(30))
    assert track.looked_at == 40
