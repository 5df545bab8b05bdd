from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from senseid_engine.image import Image
from senseid_engine.liveness.temporal.evidence import MAX_NON_RIGID_FRAMES, TemporalEvidence, measure
from senseid_engine.liveness.track import track_largest
from senseid_engine.video import Frame, decode_video

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.finder import FaceFinder
    from senseid_engine.liveness.fusion import Ramp
    from senseid_engine.liveness.track import TrackedFrame

FRAMES = 26


def tracked(views: list[np.ndarray], finder: FaceFinder) -> tuple[TrackedFrame, ...]:
    frames = [Frame(i / 10, np.ascontiguousarray(view)) for i, view in enumerate(views)]
    track = track_largest(frames, finder, name="clip")
    assert track is not None
    return track.frames


@pytest.fixture(scope="module")
def photo(photos: dict[str, Image]) -> np.ndarray:
    pixels = photos["obama.jpg"].pixels
    scale = 420 / max(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def still(photo: np.ndarray, finder: FaceFinder) -> TemporalEvidence:
    rng = np.random.default_rng(8)
    views = [np.clip(photo + rng.normal(0, 2, photo.shape), 0, 255).astype(np.uint8) for _ in range(FRAMES)]
    return measure(tracked(views, finder))


@pytest.fixture(scope="module")
def moved(photo: np.ndarray, finder: FaceFinder) -> TemporalEvidence:
    """A photo that is carried across the picture, turned and tilted."""
    height, width = photo.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    views = []
    for i in range(FRAMES):
        way = i / FRAMES
        tilt = np.array([[1, 1], [-1, -0.4], [-0.6, -1], [0.2, 0.5]]) * 20 * way
        end = (corners + tilt + (25 * way, -10 * way)).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(corners, end)
        views.append(cv2.warpPerspective(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return measure(tracked(views, finder))


def test_a_still_does_not_move_within_itself(still: TemporalEvidence, ramps: dict[str, Ramp]) -> None:
    assert still.non_rigid is not None
    assert still.texture_change is not None
    assert still.non_rigid < ramps["non_rigid"].values[0]
    assert still.texture_change < ramps["texture_change"].values[0]


def test_a_photo_that_is_moved_is_a_plane(moved: TemporalEvidence, ramps: dict[str, Ramp]) -> None:
    assert moved.non_rigid is not None
    assert moved.non_rigid < ramps["non_rigid"].values[0]
    assert moved.texture_change is not None
    assert moved.texture_change < ramps["texture_change"].values[0]


def test_photos_that_fade_into_each_other_are_blends(
    photos: dict[str, Image], finder: FaceFinder, ramps: dict[str, Ramp]
) -> None:
    """Three photos of one man, each shown for a second and a half, of which half a second is the fade."""
    slides = []
    for name in ("obama.jpg", "obama2.jpg", "obama3.jpg"):
        face = finder.find(photos[name]).faces[0].rect
        scale = 200 / (face.bottom - face.top)
        middle = np.array([face.left + face.right, face.top + face.bottom]) / 2 * scale
        place = np.array([[scale, 0, 240 - middle[0]], [0, scale, 240 - middle[1]]])
        slides.append(cv2.warpAffine(photos[name].pixels, place, (480, 480), flags=cv2.INTER_AREA).astype(np.float32))
    views = []
    for i in range(45):
        number, since = divmod(i, 15)
        share = max(since - 10, 0) / 5
        views.append(((1 - share) * slides[number] + share * slides[(number + 1) % 3]).astype(np.uint8))
    found = measure(tracked(views, finder))
    assert found.texture_change is not None
    assert found.texture_change > ramps["texture_change"].values[1]
    assert found.blend_residual is not None
    assert found.blend_residual < ramps["blend_residual"].values[0]


def test_the_edge_of_the_picture_is_no_movement_of_the_face(
    photo: np.ndarray, finder: FaceFinder, ramps: dict[str, Ramp]
) -> None:
    """A photo so close that the chin is not in the picture, moved before the camera."""
    face = finder.find(Image(photo, "photo", 1, "photo")).faces[0].rect
    left, width = max(face.left - 40, 0), face.right - face.left + 80
    height = round(0.75 * (face.bottom - face.top)) // 2 * 2
    views = []
    for i in range(FRAMES):
        shift = np.array([[1, 0, -left - 8 * np.sin(0.5 * i)], [0, 1, -face.top - 12 * np.sin(0.3 * i)]])
        views.append(cv2.warpAffine(photo, shift, (width, height), borderMode=cv2.BORDER_REPLICATE))
    found = measure(tracked(views, finder))
    assert found.non_rigid is not None
    assert found.non_rigid < ramps["non_rigid"].values[0]
    assert found.texture_change is not None
    assert found.texture_change < ramps["texture_change"].values[0]


def test_a_long_track_is_thinned_out(photo: np.ndarray, finder: FaceFinder) -> None:
    frame = tracked([photo], finder)[0]
    few, many = measure([frame] * MAX_NON_RIGID_FRAMES), measure([frame] * (4 * MAX_NON_RIGID_FRAMES))
    assert few == many


@pytest.mark.parametrize(("gap", "enough"), [(1 / 6, True), (0.2, False), (1.0, False)])
def test_frames_that_are_far_apart_tell_nothing(
    photo: np.ndarray, finder: FaceFinder, gap: float, *, enough: bool
) -> None:
    frame = tracked([photo], finder)[0]
    found = measure([replace(frame, timestamp=i * gap) for i in range(FRAMES)])
    assert found.complete == enough
    assert enough or found == TemporalEvidence()


def test_one_frame_tells_little(photo: np.ndarray, finder: FaceFinder) -> None:
    found = measure(tracked([photo], finder))
    assert found == TemporalEvidence()


@pytest.mark.data
@pytest.mark.parametrize("name", ["grid-bbaf2n.mpg", "lestari15-real.mp4"])
def test_a_living_face_is_no_plane(name: str, test_data: Path, finder: FaceFinder, ramps: dict[str, Ramp]) -> None:
    video = decode_video((test_data / "liveness-videos" / "live" / name).read_bytes(), name=name)
    track = track_largest(video.frames(), finder, name=name)
    assert track is not None
    found = measure(track.frames)
    assert found.non_rigid is not None
    assert found.non_rigid > ramps["non_rigid"].values[1]
    assert found.texture_change is not None
    assert found.texture_change > ramps["texture_change"].values[1]
    assert found.texture_evenness is not None
    assert found.texture_evenness > ramps["texture_evenness"].values[1]
    assert found.blend_residual is not None
    assert found.blend_residual > ramps["blend_residual"].values[1]
    assert found.recurrence_distance is not None
    assert found.recurrence_distance > ramps["recurrence_distance"].values[1]
