"""How heads are turned, against heads that were turned on purpose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import ModelError
from senseid_engine.quality.pose import DEPTH, Pose, PoseEstimator
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_engine.landmarks import Landmarks
    from senseid_models.registry import Registry


@pytest.fixture(scope="module")
def poser(registry: Registry) -> PoseEstimator:
    return PoseEstimator.parse(registry.asset("face-model").read())


@pytest.fixture(scope="module")
def head(registry: Registry) -> np.ndarray:
    return np.loadtxt(registry.asset("face-model").path, delimiter=",")


def turned(head: np.ndarray, yaw: float, pitch: float, roll: float) -> Landmarks:
    """Landmarks of the head, turned by Rx(pitch) Ry(yaw) Rz(roll) with the signs of 300W-LP, as the mesh tells them."""
    p, y, r = (math.radians(angle) for angle in (pitch, yaw, roll))
    rx = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    ry = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    rz = np.array([[math.cos(r), math.sin(r), 0], [-math.sin(r), math.cos(r), 0], [0, 0, 1]])
    seen = head @ (rx @ ry @ rz).T * 12
    points = seen * (1, -1, -1 / DEPTH) + (300, 200, 0)
    return landmarks_of(points.astype(np.float32))


@pytest.mark.parametrize("yaw", [-60, 0, 25, 80])
@pytest.mark.parametrize("pitch", [-30, 0, 40])
@pytest.mark.parametrize("roll", [-100, 0, 15])
def test_a_turned_head_gives_its_angles(
    poser: PoseEstimator, head: np.ndarray, yaw: float, pitch: float, roll: float
) -> None:
    pose = poser.pose(turned(head, yaw, pitch, roll))
    assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((yaw, pitch, roll), abs=0.01)


def test_signs_are_those_of_the_documentation(poser: PoseEstimator, head: np.ndarray) -> None:
    nose, brow, eye = 1, 9, 263
    ahead = turned(head, 0, 0, 0).points
    assert turned(head, 30, 0, 0).points[nose, 0] < ahead[nose, 0]  # to the left of the picture
    assert turned(head, 0, 30, 0).points[nose, 1] < ahead[nose, 1]  # up: y grows downwards in the picture
    assert turned(head, 0, 0, 30).points[eye, 1] > ahead[eye, 1]  # clockwise
    assert turned(head, 0, 30, 0).points[brow, 2] > ahead[brow, 2]  # the brow goes back


def test_the_mouth_and_the_jaw_do_not_count(poser: PoseEstimator, head: np.ndarray) -> None:
    landmarks = turned(head, 10, -5, 3)
    points = landmarks.points.copy()
    points[head[:, 1] < head[2, 1]] += (3, 40, 5)
    assert poser.pose(landmarks_of(points)) == poser.pose(landmarks)


def test_size_and_place_do_not_count(poser: PoseEstimator, head: np.ndarray) -> None:
    landmarks = turned(head, 20, 10, -8)
    moved = landmarks_of((landmarks.points * 3 + (50, -70, 9)).astype(np.float32))
    one, other = poser.pose(landmarks), poser.pose(moved)
    assert (one.yaw, one.pitch, one.roll) == pytest.approx((other.yaw, other.pitch, other.roll), abs=0.01)


@pytest.mark.parametrize("data", [b"", b"1,2,3\n", b"a,b,c\n" * 468, b"1,2\n" * 468, b"nan,0,0\n" * 468])
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="face-model"):
        PoseEstimator.parse(data)


def test_a_mirrored_photo_has_the_mirrored_pose(
    poser: PoseEstimator, finder: FaceFinder, photos: dict[str, Image]
) -> None:
    from tests.engine.conftest import picture

    photo = photos["obama.jpg"]
    mirrored = picture(photo.pixels[:, ::-1], "mirrored")
    one, other = (poser.pose(finder.find(image).faces[0].landmarks) for image in (photo, mirrored))
    assert isinstance(one, Pose)
    assert (one.yaw, one.pitch, one.roll) == pytest.approx((-other.yaw, other.pitch, -other.roll), abs=3)


@pytest.mark.parametrize("angle", [-30, 15, 40])
def test_roll_follows_a_photo_that_is_turned(
    angle: float, poser: PoseEstimator, finder: FaceFinder, photos: dict[str, Image]
) -> None:
    import cv2

    from tests.engine.conftest import picture

    photo = photos["obama.jpg"]
    # OpenCV turns anticlockwise.
    matrix = cv2.getRotationMatrix2D((photo.width / 2, photo.height / 2), -angle, 0.6)
    pixels = cv2.warpAffine(photo.pixels, matrix, (photo.width, photo.height))
    upright, turned = (finder.find(image).faces[0].landmarks for image in (photo, picture(pixels, "turned")))
    assert poser.pose(turned).roll - poser.pose(upright).roll == pytest.approx(angle, abs=2)


def test_a_far_cheek_on_the_wall_does_not_turn_the_head(poser: PoseEstimator, head: np.ndarray) -> None:
    seen = turned(head, 40, 0, 0)
    far = np.flatnonzero(head[:, 0] < -5.5)  # the temple and cheek that the turned head hides
    seen.points[far] += np.float32(20)
    assert poser.pose(seen).yaw == pytest.approx(40, abs=0.01)
