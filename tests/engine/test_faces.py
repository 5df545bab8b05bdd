"""The faces of a photo: which count, in which order, where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_engine.detect import Detection
from senseid_engine.faces import CERTAIN, LEAST_PRESENCE, MOST_APART, Face, face_of, find_faces
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.image import Image

    Box = tuple[float, float, float, float]

WIDTH, HEIGHT = 400, 300
PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
NO_MESH = np.zeros((468, 3), np.float32)


def points_in(box: Box) -> Floats:
    """Five points of a face in a box."""
    left, top, right, bottom = box
    places = [[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]
    return np.array([[left + x * (right - left), top + y * (bottom - top)] for x, y in places], np.float32)


@dataclass(frozen=True)
class Found:
    """Stands for both models: boxes as if detected, each with a score and a presence.

    Attributes:
        boxes: of the faces that are detected.
        beyond: of those that are detected beyond the edge.
        scores: the detector's, 0.9 unless given.
        presence: the mesh's, 1 unless given.
        slip: by how many pixels the mesh's five points lie below the detector's.
    """

    boxes: tuple[Box, ...]
    beyond: tuple[Box, ...] = ()
    scores: tuple[float, ...] = ()
    presence: tuple[float, ...] = ()
    slip: float = 0.0

    def _detections(self, boxes: tuple[Box, ...]) -> list[Detection]:
        scores = self.scores or (0.9,) * len(boxes)
        return [
            Detection(np.array(box, np.float32), score, points_in(box))
            for box, score in zip(boxes, scores, strict=True)
        ]

    def detect(self, pixels: Pixels) -> list[Detection]:
        return self._detections(self.boxes)

    def detect_beyond(self, pixels: Pixels) -> list[Detection]:
        return self._detections(self.beyond)

    def locate(self, pixels: Pixels, detections: Sequence[Detection]) -> list[Landmarks]:
        presence = self.presence or (1.0,) * len(detections)
        slip = np.array([0, self.slip], np.float32)
        return [
            Landmarks(NO_MESH, value, detection.points + slip)
            for detection, value in zip(detections, presence, strict=True)
        ]


def faces_of(*boxes: Box, presence: tuple[float, ...] = (), scores: tuple[float, ...] = ()) -> list[Face]:
    found = Found(boxes, presence=presence, scores=scores)
    return find_faces(PIXELS, found, found)  # type: ignore[arg-type]


def rects(faces: list[Face]) -> list[list[int]]:
    return [face.rect.as_list() for face in faces]


def test_largest_first() -> None:
    faces = faces_of((10, 10, 50, 50), (100, 10, 200, 130), (250, 10, 310, 90))
    assert rects(faces) == [[100, 10, 200, 130], [250, 10, 310, 90], [10, 10, 50, 50]]
    assert [face.size for face in faces] == [100 * 120, 60 * 80, 40 * 40]


def test_of_the_same_size_from_left_to_right_then_downwards() -> None:
    faces = faces_of((200, 10, 240, 50), (100, 90, 140, 130), (300, 10, 340, 50), (100, 20, 140, 60))
    assert rects(faces) == [[100, 20, 140, 60], [100, 90, 140, 130], [200, 10, 240, 50], [300, 10, 340, 50]]


BOXES = (10.0, 10.0, 90.0, 90.0), (100.0, 10.0, 150.0, 60.0), (200.0, 10.0, 240.0, 50.0)


def test_what_the_mesh_does_not_confirm_is_dropped() -> None:
    faces = faces_of(*BOXES, presence=(0.499, LEAST_PRESENCE, 0.01), scores=(0.799, 0.75, 0.7))
    assert rects(faces) == [[100, 10, 150, 60]]
    assert faces[0].landmarks.presence == LEAST_PRESENCE
    assert faces[0].score == 0.75


def test_what_the_detector_is_certain_of_needs_no_mesh() -> None:
    # A face under a mask.
    faces = faces_of(*BOXES, presence=(0.01, 1.0, 0.01), scores=(CERTAIN, 0.7, 0.799))
    assert rects(faces) == [[10, 10, 90, 90], [100, 10, 150, 60]]


def test_where_nothing_is_confirmed_everything_counts() -> None:
    faces = faces_of(*BOXES, presence=(0.1, 0.2, 0.3), scores=(0.75, 0.79, 0.7))
    assert rects(faces) == [[10, 10, 90, 90], [100, 10, 150, 60], [200, 10, 240, 50]]


def test_nobody() -> None:
    assert faces_of() == []


def test_beyond_the_edge_faces_are_looked_for_only_where_there_are_no_others() -> None:
    both = Found(BOXES[:1], beyond=BOXES[1:])
    assert rects(find_faces(PIXELS, both, both)) == [[10, 10, 90, 90]]  # type: ignore[arg-type]
    beyond = Found((), beyond=(*BOXES[1:], (-60.0, 20.0, 80.0, 160.0)))
    assert rects(find_faces(PIXELS, beyond, beyond)) == [  # type: ignore[arg-type]
        [0, 20, 80, 160],
        [100, 10, 150, 60],
        [200, 10, 240, 50],
    ]


@pytest.mark.parametrize(
    ("apart", "presence", "of_mesh"),
    [
        (0.05, 1.0, True),
        (MOST_APART - 0.01, LEAST_PRESENCE, True),
        (MOST_APART + 0.01, 1.0, False),
        (0.05, LEAST_PRESENCE - 0.01, False),
        (1.5, 0.0, False),
    ],
)
def test_the_points_are_the_detectors_where_the_mesh_has_slipped(apart: float, presence: float, of_mesh: bool) -> None:
    box = (50.0, 40.0, 130.0, 165.0)  # 100 pixels in the geometric mean of its sides
    found = Found((box,), presence=(presence,), slip=100 * apart)
    (face,) = find_faces(PIXELS, found, found)  # type: ignore[arg-type]
    np.testing.assert_array_equal(face.points, face.landmarks.five if of_mesh else points_in(box))


def test_a_face_that_was_followed_has_the_points_of_its_mesh() -> None:
    mesh = Landmarks(NO_MESH, 0.1, points_in((300, 200, 310, 210)))
    face = face_of(np.array([10, 10, 50, 60], np.float32), 0.8, mesh, WIDTH, HEIGHT)
    np.testing.assert_array_equal(face.points, mesh.five)
    assert (face.score, face.size, face.rect.as_list()) == (0.8, 2000, [10, 10, 50, 60])


def test_a_face_cut_by_the_edge_loses_against_a_whole_one() -> None:
    cut, whole = (-70.0, 50.0, 50.0, 190.0), (200.0, 50.0, 280.0, 140.0)
    # What is left of it is less than the whole face; its box is far larger.
    assert rects(faces_of(cut, whole))[0] == [200, 50, 280, 140]
    # Half a head still shows more pixels than the other face: that is not enough.
    wide = (-90.0, 20.0, 90.0, 200.0)
    assert 90 * 180 > 80 * 90
    assert rects(faces_of(wide, whole))[0] == [200, 50, 280, 140]


def test_a_face_that_hardly_touches_the_edge_still_is_the_largest() -> None:
    assert rects(faces_of((200.0, 50.0, 270.0, 130.0), (-4.0, 50.0, 116.0, 190.0)))[0] == [0, 50, 116, 190]


@given(
    st.lists(
        st.tuples(st.floats(-300, 700), st.floats(-300, 600), st.floats(1, 800), st.floats(1, 800)),
        min_size=1,
        max_size=6,
    )
)
def test_rectangles_lie_inside_the_photo(boxes: list[tuple[float, float, float, float]]) -> None:
    faces = faces_of(*((left, top, left + width, top + height) for left, top, width, height in boxes))
    assert len(faces) == len(boxes)
    for face in faces:
        left, top, right, bottom = face.rect.as_list()
        assert 0 <= left < WIDTH
        assert 0 <= top < HEIGHT
        assert 0 < right <= WIDTH
        assert 0 < bottom <= HEIGHT
        assert face.size >= 0
    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)


@pytest.mark.parametrize(("across", "degrees"), [((10, 0), 0), ((10, 10), 45), ((0, -4), -90), ((-3, 0), 180)])
def test_the_roll_is_the_angle_of_the_eyes(across: tuple[float, float], degrees: float) -> None:
    points = np.zeros((468, 3), np.float32)
    points[list(LEFT_EYE), :2] = [100, 100]
    points[list(RIGHT_EYE), :2] = [100 + across[0], 100 + across[1]]
    turned = replace(faces_of((10, 10, 50, 50))[0], landmarks=landmarks_of(points))
    assert turned.roll == pytest.approx(degrees)


def test_two_men(two_men: Image, encoder: Encoder) -> None:
    for _ in range(2):
        larger, smaller = find_faces(two_men.pixels, encoder.finder.detector, encoder.finder.landmarker)
        assert larger.size > smaller.size
        assert larger.rect.left > smaller.rect.right


def test_a_real_face_cut_in_half(photos: dict[str, Image], encoder: Encoder) -> None:
    obama, biden = photos["obama.jpg"].pixels, photos["biden.jpg"].pixels[:1137]
    (face,) = find_faces(biden, encoder.finder.detector, encoder.finder.landmarker)
    # The half of a larger face at the left edge of the photo, and a whole one.
    middle = (face.rect.left + face.rect.right) // 2
    both = np.concatenate([biden[:, middle - 30 :], obama], axis=1)
    largest = find_faces(both, encoder.finder.detector, encoder.finder.landmarker)[0]
    assert largest.rect.left > biden.shape[1] - middle
