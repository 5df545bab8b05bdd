"""The mesh of a face on photos whose transform is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import pytest

from senseid_engine import landmarks as mesh
from senseid_engine.detect import Detection
from senseid_engine.faces import Face, find_faces
from senseid_engine.landmarks import FIVE_POINTS, LEFT_EYE, RIGHT_EYE, Landmarker, five_points

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_engine.session import Session

EYE_CORNERS = [*LEFT_EYE, *RIGHT_EYE]
# Points of the mesh and their mirror images: eye corners, mouth corners, outer ends of the brows, nose wings.
MIRRORED = {33: 263, 133: 362, 61: 291, 70: 300, 98: 327}
MIDDLE = [1, 0, 17, 168]


def eye_distance(face: Face) -> float:
    points = face.landmarks.points[:, :2]
    return float(np.linalg.norm(points[list(LEFT_EYE)].mean(axis=0) - points[list(RIGHT_EYE)].mean(axis=0)))


def only_face(pixels: np.ndarray, encoder: Encoder) -> Face:
    (face,) = find_faces(pixels, encoder.finder.detector, encoder.finder.landmarker)
    return face


def test_shape_and_presence(found: dict[str, UprightPhoto]) -> None:
    for photo in found.values():
        landmarks = photo.faces[0].landmarks
        assert landmarks.points.shape == (468, 3)
        assert landmarks.points.dtype == np.float32
        assert 0.9 < landmarks.presence <= 1
        # The tip of the nose is nearer to the camera than the ears' ends of the face.
        depth = landmarks.points[:, 2]
        assert depth[1] < min(depth[234], depth[454])


def test_the_five_points_are_means_of_landmarks() -> None:
    points = np.random.default_rng(4).normal(0, 50, (468, 3)).astype(np.float32)
    five = five_points(points)
    assert five.dtype == np.float32
    np.testing.assert_allclose(five, [points[list(group), :2].mean(axis=0) for group in FIVE_POINTS], atol=1e-4)
    np.testing.assert_array_equal(five_points(points[:, :2]), five)


def test_the_five_points_are_in_order(found: dict[str, UprightPhoto]) -> None:
    for photo in found.values():
        left_eye, right_eye, nose, left_mouth, right_mouth = photo.faces[0].landmarks.five
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_the_five_points_lie_where_the_detector_sees_them(photos: dict[str, Image], encoder: Encoder) -> None:
    for photo in photos.values():
        detection = encoder.finder.detector.detect(photo.pixels)[0]
        (landmarks,) = encoder.finder.landmarker.locate(photo.pixels, [detection])
        apart = np.linalg.norm(landmarks.five[1] - landmarks.five[0])
        assert np.linalg.norm(landmarks.five - detection.points, axis=1).mean() < 0.2 * apart


def test_the_mirror_image_confirms_the_five_points(photos: dict[str, Image], encoder: Encoder) -> None:
    """The points of a photo and of its mirror image are the same, but for where they are looked for."""
    for photo in photos.values():
        original = only_face(photo.pixels, encoder).landmarks
        mirrored = only_face(np.ascontiguousarray(photo.pixels[:, ::-1]), encoder).landmarks
        back = mirrored.five[[1, 0, 2, 4, 3]] * [-1, 1] + [photo.width - 1, 0]
        apart = np.linalg.norm(original.five[1] - original.five[0])
        assert np.linalg.norm(back - original.five, axis=1).mean() < 0.03 * apart


class Shifted:
    """A network that sees the same face in every crop, in its middle but for some pixels to the right."""

    def __init__(self, shift: float) -> None:
        self._shift = shift
        self.chips: list[Pixels] = []

    def run(self, chips: Pixels) -> tuple[Floats, ...]:
        self.chips.append(chips)
        points = np.zeros((len(chips), 468, 3), np.float32)
        points[:, :, :2] = (mesh.SIZE - 1) / 2
        for group, away in zip(FIVE_POINTS, ((-30, -20), (30, -20), (0, 0), (-20, 30), (20, 30)), strict=True):
            points[:, group, :2] += away
        # The ends of the face: the next crop is as large as this one.
        points[:, 10, :2] -= mesh.SIZE / mesh.CROP_TO_BOX / 2
        points[:, 152, :2] += mesh.SIZE / mesh.CROP_TO_BOX / 2
        points[:, :, 0] += self._shift
        return points.reshape(len(chips), -1), np.zeros((len(chips), 1), np.float32)


def test_what_the_network_always_gets_wrong_to_one_side_the_mirror_image_takes_back() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (400, 400, 3), np.uint8)
    # A pixel of the crop is one of the photo.
    box = np.array([150, 150, 278, 278], np.float32)
    detection = Detection(box, 1.0, np.array([[190, 200], [240, 200], [0, 0], [0, 0], [0, 0]], np.float32))
    right, wrong = Shifted(0.0), Shifted(2.0)
    (true,), (found,) = (Landmarker(cast("Session", network)).locate(pixels, [detection]) for network in (right, wrong))
    assert [chips.shape for chips in wrong.chips] == [(1, mesh.SIZE, mesh.SIZE, 3)] * 3
    # But for half a pixel: the middle of a crop is the corner of a pixel.
    np.testing.assert_allclose(true.five, five_points(true.points), atol=0.5)
    # Each pass starts from where the one before saw the face. What the last one adds, its mirror image takes off.
    np.testing.assert_allclose(found.points[:, :2] - true.points[:, :2], np.tile([4, 0], (468, 1)), atol=1e-3)
    np.testing.assert_allclose(found.five - true.five, np.tile([(4 + 4 - 2) / 2, 0], (5, 1)), atol=1e-3)
    assert found.presence == 0.5
    # It was shown what the next pass would have been shown, the other way round.
    Landmarker(cast("Session", wrong)).follow(pixels, [found])
    np.testing.assert_array_equal(wrong.chips[2], wrong.chips[3][:, :, ::-1])


def test_a_face_that_has_not_settled_is_looked_at_once_more_whoever_is_beside_it() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (400, 400, 3), np.uint8)
    box = np.array([150, 150, 278, 278], np.float32)
    detection = Detection(box, 1.0, np.array([[190, 200], [240, 200], [0, 0], [0, 0], [0, 0]], np.float32))
    far = Shifted(4.0)
    Landmarker(cast("Session", far)).locate(pixels, [detection] * 2)
    assert [len(chips) for chips in far.chips] == [2, 2, 2, 2]


def test_following_takes_one_pass(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    photo = found["obama.jpg"]
    network = Shifted(4.0)
    (followed,) = Landmarker(cast("Session", network)).follow(photo.image.pixels, [photo.faces[0].landmarks])
    assert len(network.chips) == 1
    np.testing.assert_array_equal(followed.five, five_points(followed.points))
    assert Landmarker(cast("Session", network)).follow(photo.image.pixels, []) == []


@pytest.mark.parametrize("degrees", [-30, -15, 15, 30])
def test_a_turned_photo_has_turned_landmarks(
    photos: dict[str, Image], found: dict[str, UprightPhoto], encoder: Encoder, degrees: int
) -> None:
    for name, photo in photos.items():
        upright = found[name].faces[0]
        centre = upright.landmarks.points[168, :2].astype(float)
        turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), degrees, 1)
        pixels = np.asarray(cv2.warpAffine(photo.pixels, turn, (photo.width, photo.height)), np.uint8)
        turned = find_faces(pixels, encoder.finder.detector, encoder.finder.landmarker)[0]
        expected = upright.landmarks.points[:, :2] @ turn[:, :2].T + turn[:, 2]
        away = np.linalg.norm(turned.landmarks.points[:, :2] - expected, axis=1) / eye_distance(upright)
        assert away[EYE_CORNERS].max() < 0.08
        assert away[EYE_CORNERS].mean() < 0.05
        # OpenCV turns anticlockwise, the roll counts clockwise.
        assert turned.roll == pytest.approx(upright.roll - degrees, abs=3)


def test_a_mirrored_photo_has_mirrored_landmarks(
    photos: dict[str, Image], found: dict[str, UprightPhoto], encoder: Encoder
) -> None:
    for name, photo in photos.items():
        original = found[name].faces[0]
        mirrored = only_face(np.ascontiguousarray(photo.pixels[:, ::-1]), encoder)
        pairs = {**MIRRORED, **{b: a for a, b in MIRRORED.items()}, **{i: i for i in MIDDLE}}
        expected = original.landmarks.points[list(pairs), :2] * [-1, 1] + [photo.width - 1, 0]
        seen = mirrored.landmarks.points[list(pairs.values()), :2]
        assert np.linalg.norm(seen - expected, axis=1).max() < 0.08 * eye_distance(original)
        assert mirrored.roll == pytest.approx(-original.roll, abs=2)


def test_a_scaled_photo_has_scaled_landmarks(
    photos: dict[str, Image], found: dict[str, UprightPhoto], encoder: Encoder
) -> None:
    for name, photo in photos.items():
        original = found[name].faces[0]
        size = (photo.width // 3, photo.height // 3)
        small = only_face(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), np.uint8), encoder)
        expected = original.landmarks.points / 3
        away = np.linalg.norm(small.landmarks.points[:, :2] - expected[:, :2], axis=1) / eye_distance(small)
        assert away[EYE_CORNERS].max() < 0.1
        assert away[EYE_CORNERS].mean() < 0.05
        assert np.ptp(small.landmarks.points[:, 2]) == pytest.approx(float(np.ptp(expected[:, 2])), rel=0.1)


def test_each_face_has_its_own_landmarks_in_the_order_of_the_detections(two_men: Image, encoder: Encoder) -> None:
    detections = encoder.finder.detector.detect(two_men.pixels)
    both = encoder.finder.landmarker.locate(two_men.pixels, detections)
    swapped = encoder.finder.landmarker.locate(two_men.pixels, detections[::-1])
    for detection, landmarks, same in zip(detections, both, swapped[::-1], strict=True):
        left, top, right, bottom = detection.box
        middle = landmarks.points[:, :2].mean(axis=0)
        assert left < middle[0] < right
        assert top < middle[1] < bottom
        np.testing.assert_allclose(landmarks.points, same.points, atol=0.05)


def test_no_detection_no_landmarks(blank: Image, encoder: Encoder) -> None:
    assert encoder.finder.landmarker.locate(blank.pixels, []) == []


def test_many_faces_run_in_parts(photos: dict[str, Image], encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = photos["obama.jpg"]
    finder = encoder.finder
    faces = finder.detector.detect(photo.pixels)[:1] * 5
    whole = finder.landmarker.locate(photo.pixels, faces)
    sizes = []

    class Watched:
        def run(self, chips: Pixels) -> tuple[Floats, ...]:
            sizes.append(len(chips))
            return finder.landmarker._session.run(chips)

    monkeypatch.setattr(mesh, "FACES_A_RUN", 2)
    parts = Landmarker(cast("Session", Watched())).locate(photo.pixels, faces)
    assert sizes == [2, 2, 1] * 3
    for part, one in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(part.points, one.points)
        np.testing.assert_array_equal(part.five, one.five)
        assert part.presence == one.presence
