"""Sideways and upside-down photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import NoFaceError
from senseid_engine.faces import Face
from senseid_engine.image import Image, rotate
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks
from senseid_engine.results import Rect
from senseid_engine.upright import turn_upright

if TYPE_CHECKING:
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
    with pytest.raises(NoFaceError):
        encoder.finder.find(rotate(photos["obama.jpg"], 2))


def face(score: float, presence: float = 1.0, roll: float = 0.0) -> Face:
    points = np.zeros((468, 3), np.float32)
    points[list(RIGHT_EYE), :2] = [np.cos(np.radians(roll)), np.sin(np.radians(roll))]
    points[list(LEFT_EYE), :2] = 0
    return Face(Rect(0, 0, 1, 1), np.zeros(4, np.float32), 1.0, score, Landmarks(points, presence))


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
