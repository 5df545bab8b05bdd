"""The mesh of a face on photos whose transform is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import pytest

from senseid_engine import landmarks as mesh
from senseid_engine.faces import Face, find_faces
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarker

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


def test_the_eyes_lie_where_the_detector_sees_them(photos: dict[str, Image], encoder: Encoder) -> None:
    for photo in photos.values():
        detection = max(encoder.finder.detector.detect(photo.pixels), key=lambda found: found.score)
        (landmarks,) = encoder.finder.landmarker.locate(photo.pixels, [detection])
        eyes = np.stack([landmarks.points[list(eye), :2].mean(axis=0) for eye in (LEFT_EYE, RIGHT_EYE)])
        apart = np.linalg.norm(eyes[1] - eyes[0])
        assert np.linalg.norm(eyes - detection.points[:2], axis=1).max() < 0.12 * apart


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
    assert sizes == [2, 2, 1] * mesh.PASSES
    for part, one in zip(parts, whole, strict=True):
        np.testing.assert_array_equal(part.points, one.points)
        assert part.presence == one.presence
