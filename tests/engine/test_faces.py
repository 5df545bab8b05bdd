"""The faces of a photo: which count, in which order, where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_engine.detect import Detection
from senseid_engine.faces import LEAST_PRESENCE, Face, find_faces
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.image import Image

WIDTH, HEIGHT = 400, 300
PIXELS = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@dataclass(frozen=True)
class Found:
    """Stands for both models: boxes as if detected, each with a presence."""

    boxes: tuple[tuple[float, float, float, float], ...]
    presence: tuple[float, ...] = ()

    def detect(self, pixels: Pixels) -> list[Detection]:
        return [Detection(np.array(box, np.float32), 0.9, np.zeros((5, 2), np.float32)) for box in self.boxes]

    def locate(self, pixels: Pixels, detections: list[Detection]) -> list[Landmarks]:
        presence = self.presence or (1.0,) * len(detections)
        return [Landmarks(np.zeros((468, 3), np.float32), value) for value in presence]


def faces_of(*boxes: tuple[float, float, float, float], presence: tuple[float, ...] = ()) -> list[Face]:
    found = Found(boxes, presence)
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


def test_a_crop_that_holds_no_face_is_dropped() -> None:
    boxes = (10.0, 10.0, 90.0, 90.0), (100.0, 10.0, 150.0, 60.0), (200.0, 10.0, 240.0, 50.0)
    faces = faces_of(*boxes, presence=(0.499, LEAST_PRESENCE, 0.01))
    assert rects(faces) == [[100, 10, 150, 60]]
    assert faces[0].landmarks.presence == LEAST_PRESENCE
    assert faces[0].score == 0.9


def test_nobody() -> None:
    assert faces_of() == []


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
    face = faces_of((10, 10, 50, 50))[0]
    turned = Face(face.rect, face.box, face.size, face.score, Landmarks(points, 1.0))
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
