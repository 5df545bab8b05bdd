"""Sideways and upside-down photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from senseid_engine.detect import Detection
from senseid_engine.errors import NoFaceError
from senseid_engine.faces import Face, face_of
from senseid_engine.image import Image, rotate
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks
from senseid_engine.upright import CERTAINLY_UPRIGHT, is_upright, turn_upright
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.finder import UprightPhoto


@pytest.mark.parametrize("name", ["biden.jpg", "obama2.jpg"])
@pytest.mark.parametrize("turns", range(4))
def test_a_turned_photo_is_turned_back(
    photos: dict[str, Image], found: dict[str, UprightPhoto], encoder: Encoder, name: str, turns: int
) -> None:
    photo = encoder.finder.find(rotate(photos[name], -turns), auto_rotate=True)
    assert photo.found.quarter_turns == turns
    # No pixel is resampled: it is the upright photo again.
    np.testing.assert_array_equal(photo.image.pixels, photos[name].pixels)
    assert photo.found.rects == found[name].found.rects
    assert (photo.found.width, photo.found.height) == (photos[name].width, photos[name].height)
    np.testing.assert_array_equal(photo.faces[0].landmarks.points, found[name].faces[0].landmarks.points)


def test_nothing_is_turned_unless_asked(photos: dict[str, Image], encoder: Encoder) -> None:
    photo = encoder.finder.find(photos["obama.jpg"])
    assert photo.found.quarter_turns == 0
    assert photo.image is photos["obama.jpg"]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_is_refused_with_what_to_do(photos: dict[str, Image], encoder: Encoder, turns: int) -> None:
    for photo in photos.values():
        with pytest.raises(
            NoFaceError, match=r"no upright face is found, but a sideways or upside-down one: .*--auto-rotate"
        ):
            encoder.finder.find(rotate(photo, turns))


@pytest.mark.parametrize("degrees", [-30, -15, 0, 15, 30])
def test_a_tilted_head_is_upright(photos: dict[str, Image], encoder: Encoder, degrees: int) -> None:
    import cv2

    for photo in photos.values():
        turn = cv2.getRotationMatrix2D((photo.width / 2, photo.height / 2), degrees, 0.6)
        pixels = np.asarray(cv2.warpAffine(photo.pixels, turn, (photo.width, photo.height)), np.uint8)
        found = encoder.finder.find(Image(pixels=pixels, format="PNG", orientation=1, name=photo.name))
        assert len(found.faces) == 1


class Positions:
    """Stands for both models: scores and presences of the faces of a cut-out in each of its four positions."""

    def __init__(self, *seen: list[tuple[float, float]]) -> None:
        self._seen = seen
        self.shown: list[Pixels] = []

    def detect(self, pixels: Pixels) -> list[Detection]:
        self.shown.append(pixels)
        nothing = np.zeros(4, np.float32), np.zeros((5, 2), np.float32)
        return [Detection(nothing[0], score, nothing[1]) for score, _ in self._seen[len(self.shown)]]

    def locate(self, pixels: Pixels, detections: Sequence[Detection]) -> list[Landmarks]:
        presence = dict(self._seen[len(self.shown)])
        return [landmarks_of(np.zeros((468, 3), np.float32), presence[found.score]) for found in detections]


def upright(as_it_is: Face, *others: list[tuple[float, float]]) -> tuple[bool, Positions]:
    positions = Positions([], *others)
    models: Any = positions
    return is_upright(PIXELS, as_it_is, models, models), positions


PIXELS = np.random.default_rng(6).integers(0, 256, (300, 400, 3), np.uint8)


def test_what_the_detector_is_sure_of_is_not_looked_at_again() -> None:
    stands, positions = upright(face(CERTAINLY_UPRIGHT), [(1.0, 1.0)], [], [])
    assert stands
    assert positions.shown == []


@pytest.mark.parametrize(
    ("as_it_is", "others", "stands"),
    [
        ((0.91, 1.0), ([], [], []), True),
        # It is upright in any of the other positions, if it is surer there by a bit.
        ((0.85, 1.0), ([(0.88, 1.0)], [], []), False),
        ((0.85, 1.0), ([], [(0.88, 1.0)], []), False),
        ((0.85, 1.0), ([], [], [(0.75, 1.0), (0.88, 1.0)]), False),
        ((0.85, 1.0), ([(0.86, 1.0)], [(0.86, 1.0)], [(0.86, 1.0)]), True),
        # What counts is what both models say.
        ((0.91, 0.1), ([], [(0.81, 1.0)], []), False),
        ((0.85, 1.0), ([], [(0.95, 0.9)], []), True),
        # Not sure enough anywhere.
        ((0.71, 0.1), ([], [(0.79, 1.0)], []), True),
    ],
)
def test_a_doubtful_face_is_looked_for_in_the_other_positions(
    as_it_is: tuple[float, float], others: tuple[list[tuple[float, float]], ...], stands: bool
) -> None:
    assert upright(face(*as_it_is), *others)[0] is stands


def test_it_is_cut_out_and_turned() -> None:
    _, positions = upright(face(0.8), [], [], [])
    # 100 pixels and their margin are as many as are looked at.
    crop = PIXELS[60:220, 70:230]
    assert [shown.shape for shown in positions.shown] == [crop.shape] * 3
    for turns, shown in enumerate(positions.shown, 1):
        np.testing.assert_array_equal(shown, np.rot90(crop, turns))
        assert shown.flags["C_CONTIGUOUS"]


def face(score: float, presence: float = 1.0, roll: float = 0.0) -> Face:
    points = np.zeros((468, 3), np.float32)
    points[list(RIGHT_EYE), :2] = [np.cos(np.radians(roll)), np.sin(np.radians(roll))]
    points[list(LEFT_EYE), :2] = 0
    return face_of(np.array([100, 90, 200, 190], np.float32), score, landmarks_of(points, presence), 400, 300)


PHOTO = Image(
    pixels=np.arange(32 * 40 * 3, dtype=np.uint8).reshape(32, 40, 3), format="PNG", orientation=6, name="made up"
)


def turned(*positions: list[Face]) -> tuple[int, list[Face]]:
    """Which position wins, where each has these faces."""
    seen = {rotate(PHOTO, turns).pixels.tobytes(): faces for turns, faces in enumerate(positions)}
    image, turns, faces = turn_upright(PHOTO, lambda photo: seen[photo.pixels.tobytes()])
    np.testing.assert_array_equal(image.pixels, np.rot90(PHOTO.pixels, turns))
    assert (image.name, image.orientation) == ("made up", 6)
    return turns, faces


def test_the_most_probable_position_wins() -> None:
    best = [face(0.99)]
    assert turned([face(0.8)], [], best, [face(0.7)]) == (2, best)
    assert turned([face(0.9, presence=0.6)], [face(0.7)], [], [])[0] == 1


def test_many_faces_outweigh_one() -> None:
    assert turned([face(1.0)], [], [], [face(0.9), face(0.8)])[0] == 3


def test_faces_that_lie_do_not_count() -> None:
    assert turned([face(1.0, roll=179)], [face(0.9, roll=-91)], [face(0.6, roll=10)], [])[0] == 2
    assert turned([face(1.0, roll=-50)], [face(0.9, roll=40)], [], [])[0] == 1
    assert turned([face(1.0, roll=-44)], [face(0.9, roll=46)], [], [])[0] == 0


def test_its_own_position_wins_a_tie() -> None:
    assert turned([face(0.9)], [face(0.9)], [face(0.9)], [face(0.9)])[0] == 0
    assert turned([], [], [], []) == (0, [])
    assert turned([], [face(0.9)], [], [face(0.9)])[0] == 1
